"""Events: gapless, chained, the same bytes from every database, and part of the change they tell."""

from __future__ import annotations

import contextlib
import itertools
import math

import pytest

from podium.domain.events import GENESIS, event_hash
from podium.domain.origin import Origin
from podium.domain.plain import iso
from podium.domain.policies import Policy, Stage
from podium.errors import PodiumError, PromotionRefusedError
from podium.plugins import PluginHost, hookimpl
from podium.usecases.aliases import SetAlias, set_alias

MODEL = "model-registry/Ziffern é 数字"
NUMBERS = {"big": 1e22, "small": 1e-7, "neg": -0.0, "one": 1.0, "int": 3, "third": 1 / 3, "max": 1.7976931348623157e308}


class Odd:
    """A plugin whose origin holds all that JSON can."""

    def __init__(self) -> None:
        self.calls = itertools.count()

    @hookimpl
    def podium_origin(self) -> Origin:
        details = {"é": [1e22, 1e-7, None, True, {"数": -0.0}], "nan": math.nan, "quote": '"\\u0041\u2028'}
        return Origin("airflow", "DAG é 数", "https://x/?a=ü", f"dag/run{next(self.calls)}", details)


@pytest.fixture
def told(open_at, database_url, model_file):
    """A registry in which every kind of event happened."""
    host = PluginHost(discover=False)
    host.register(Odd(), "odd")
    registry = open_at(database_url, host=host, actor="änn <数>")
    for text in "ab":
        registry.log("p/a", model_file(text), metadata={"x": NUMBERS}, metrics=NUMBERS)
        registry.link("p/a", MODEL)
        registry.promote(MODEL, "production", reason="because é\n\t\u2028")
    registry.set_alias(MODEL, "best")
    registry.remove_alias(MODEL, "best")
    registry.rollback(MODEL)
    registry.set_policy(MODEL, Policy((Stage("production", ("acc",)),)))
    registry.record_check(MODEL, "other", "fail", "é", metrics={"nan": math.nan, **NUMBERS})
    with pytest.raises(PromotionRefusedError):
        registry.promote(MODEL, "production")
    registry.promote(MODEL, "production", force=True, reason="!")
    return registry


def test_the_chain_recomputes(told) -> None:
    """Read back from either database, each event has the hash that its content gives, and names the one before."""
    for stream in ("p/a", MODEL):
        events, previous = told.events(stream), GENESIS
        for event in events:
            assert (event_hash(event), event.previous) == (event.hash, previous)
            previous = event.hash
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))


def test_every_change_was_told(told) -> None:
    """The stream of the model has one event per change, in order."""
    assert [event.type for event in told.events(MODEL)] == [
        "model.created",
        "model_version.linked",
        "model_version.promoted",
        "model_version.linked",
        "model_version.promoted",
        "alias.set",
        "alias.removed",
        "model_version.rolled_back",
        "policy.set",
        "model_version.checked",
        "model_version.promotion_refused",
        "model_version.promotion_forced",
        "model_version.promoted",
    ]


def test_an_event_says_who_and_from_where(told) -> None:
    """Actor, origin and reason are those of the call, with every letter."""
    event = next(event for event in told.events(MODEL) if event.type == "model_version.promoted")
    assert (event.actor, event.reason, event.subject) == ("änn <数>", "because é\n\t\u2028", f"{MODEL}:v0")
    assert (event.origin.label, event.origin.details["é"][0]) == ("DAG é 数", 1e22)
    assert event.after["metrics"] == {name: float(value) for name, value in NUMBERS.items()}


def test_the_head_of_the_stream_is_the_last_event(told) -> None:
    """The row that orders the chain holds the sequence and hash of its last event."""
    with told._database.read() as connection:
        heads = dict(connection.exec_driver_sql("select name, head from collections").all())
    assert heads["a"] == told.events("p/a")[-1].hash
    assert heads[MODEL.partition("/")[2]] == told.events(MODEL)[-1].hash


@pytest.mark.tampers
def test_an_edited_event_is_found(told) -> None:
    """A changed byte in the database no longer fits its hash."""
    with told._database.write() as connection:
        connection.exec_driver_sql("update events set reason = 'other' where type = 'model_version.promoted'")
    assert any(event_hash(event) != event.hash for event in told.events(MODEL))


def test_one_unit_happens_at_one_time(told) -> None:
    """The two events of a forced promotion carry the same time, in UTC with microseconds."""
    forced, promoted = told.events(MODEL)[-2:]
    assert forced.at == promoted.at
    assert iso(forced.at).endswith("Z")


def test_an_error_leaves_no_event(registry, model_file, rows) -> None:
    """An error anywhere in a unit takes its events, rows and sequence numbers with it."""
    registry.log("p/a", model_file("a"))
    before = rows(registry)

    def fail_late(unit) -> None:
        set_alias(unit, SetAlias("p/a", "best"))
        raise RuntimeError("late")

    with contextlib.suppress(RuntimeError):
        registry._change(fail_late)
    assert rows(registry) == before
    registry.set_alias("p/a", "best")
    assert [event.sequence for event in registry.events("p/a")] == [1, 2, 3]


@pytest.mark.tampers
def test_a_change_whose_event_cannot_be_written_does_not_happen(registry, model_file, rows) -> None:
    """When the event of a change is refused by the database, the change itself does not happen."""
    registry.log("p/a", model_file("a"))
    with registry._database.write() as connection:  # the place of the next event is taken
        connection.exec_driver_sql("update collections set sequence = 1")
    before = rows(registry)
    with pytest.raises(PodiumError):
        registry.set_alias("p/a", "best")
    assert rows(registry) == before
