"""Versions under numbers that another registry gave them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from podium.domain.events import event_hash
from podium.errors import AlreadyExistsError, InvalidNameError, InvalidValueError
from podium.registry import Registry
from podium.usecases.numbering import PlaceVersion
from podium.usecases.versions import LogVersion

MODEL = "model-registry/Churn EU"
ARTIFACT = "mlflow/churn"


@pytest.fixture
def place(registry: Registry, model_file: Callable[[str], Path]) -> Callable[..., object]:
    """Place a version with a number as its content."""

    def place(number: int, text: str | None = None, artifact: str = ARTIFACT, model: str = MODEL, **more: object):
        log = LogVersion(artifact, "model")
        return registry.place(model_file(text or str(number)), PlaceVersion(log, model, number, **more))

    return place


def _numbers(registry: Registry, ref: str) -> list[int]:
    return [version.number for version in registry.versions(ref)]


def test_a_version_has_the_number_that_is_given(registry: Registry, place: Callable[..., object]) -> None:
    """It is that of the artifact and of the model, and what follows counts on from there."""
    made = place(7, tags=("eu",))
    assert (made.ref, made.source, made.tags, made.created) == (f"{MODEL}:v7", f"{ARTIFACT}:v7", ("eu",), True)
    assert registry.resolve(MODEL) == registry.resolve(f"{MODEL}:v7")


def test_an_ordinary_log_counts_on(
    registry: Registry, place: Callable[..., object], model_file: Callable[[str], Path]
) -> None:
    """Nobody gets a number of a gap by chance."""
    place(7)
    place(3)
    assert registry.log(ARTIFACT, model_file("new")).number == 8
    assert registry.link(f"{ARTIFACT}:v8", MODEL).number == 8


def test_a_gap_is_filled_later(registry: Registry, place: Callable[..., object]) -> None:
    """The newest version stays the newest, and the counters stay true."""
    place(7)
    place(3)
    assert _numbers(registry, MODEL) == [7, 3] == _numbers(registry, ARTIFACT)
    assert registry.model(MODEL).aliases == {"latest": 7}
    assert registry.model(MODEL).versions == 2


def test_equal_files_are_two_versions(registry: Registry, place: Callable[..., object]) -> None:
    """Another registry may have the same files under two numbers."""
    assert place(1, "same").digest == place(2, "same").digest
    assert _numbers(registry, MODEL) == [2, 1]


@pytest.mark.parametrize("away", [False, True], ids=["there", "unlinked"])
def test_a_number_is_given_once(
    registry: Registry, place: Callable[..., object], rows: Callable[..., object], away: bool
) -> None:
    """A number that names a version, or named one, is refused, and nothing is written."""
    place(3)
    if away:
        registry.unlink(f"{MODEL}:v3")
    there = rows(registry)
    with pytest.raises(AlreadyExistsError, match="v3 name"):
        place(3, "other", artifact="mlflow/other")
    assert rows(registry) == there


def test_the_artifact_is_looked_at_too(registry: Registry, place: Callable[..., object]) -> None:
    """A number that is free in the model and taken in the artifact is refused."""
    place(3)
    with pytest.raises(AlreadyExistsError, match="mlflow/churn:v3"):
        place(3, "other", model="model-registry/Other")
    assert [model.ref for model in registry.models()] == [MODEL]


def test_numbers_of_a_former_name_stay_taken(registry: Registry, place: Callable[..., object]) -> None:
    """Who takes a name that another gave up gets no number that named its versions."""
    place(3)
    registry.rename(MODEL, "Churn")
    with pytest.raises(AlreadyExistsError, match="v2 named a version before"):
        place(2, artifact="mlflow/other")
    assert place(4, artifact="mlflow/other").number == 4


@pytest.mark.parametrize("number", [-1, True, 2.0, 10**15, "3"])
def test_what_is_no_number_is_refused(place: Callable[..., object], number: object) -> None:
    """Whole numbers from 0 that any reader of JSON holds."""
    with pytest.raises(InvalidValueError, match="is no version number"):
        place(number)


def test_bad_names_are_refused_before_a_byte_is_stored(registry: Registry, place: Callable[..., object]) -> None:
    """A tag or model that cannot be called so leaves nothing behind."""
    with pytest.raises(InvalidNameError):
        place(1, tags=("no tag",))
    with pytest.raises(InvalidNameError):
        place(1, model="model-registry/a@b")
    assert registry.collections() == []


def test_the_audit_is_whole(registry: Registry, place: Callable[..., object]) -> None:
    """A number given by hand is an event that says from where to where, and the chain holds."""
    for number in (1, 7, 3):
        place(number, reason="imported")
    events = registry.events(MODEL)
    moves = [(e.before["next_number"], e.after["next_number"], e.reason) for e in events if e.type == "model.numbered"]
    assert moves == [(0, 1, "imported"), (2, 7, "imported"), (8, 3, "imported")]
    assert all(event.hash == event_hash(event) for event in events)
    assert [event.previous for event in events[1:]] == [event.hash for event in events[:-1]]


def test_a_model_without_versions(registry: Registry) -> None:
    """It is there once however often it is opened."""
    registry.open_model(MODEL)
    assert registry.open_model(MODEL).versions == 0
    assert [event.type for event in registry.events(MODEL)] == ["model.created"]


def test_a_run_that_ran_elsewhere(registry: Registry) -> None:
    """Nothing of this process is noted with it."""
    registry.adopt_run("mlflow", id="abc", name="train", config={"lr": 1}, environment={"imported_from": "MLflow"})
    assert registry.environment("abc") == {"imported_from": "MLflow"}
    assert registry.run("abc").config == {"lr": 1}
