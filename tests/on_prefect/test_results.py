"""What tasks return crosses processes and is nobody else's."""

import copy
import dataclasses
import pickle
import weakref

import pytest

from podium.prefect import ModelResult


@pytest.fixture
def result(registry, model_file):
    return ModelResult.of(registry.log("p/a", model_file, aliases=["best"], metrics={"accuracy": 0.9}))


def test_a_version_reads_like_its_json(registry, result):
    """Keys are attributes, and nothing is lost."""
    assert result.to_json() == {**registry.resolve("p/a").to_json(), "created": True, "version": "v0"}
    assert (result.ref, result.version, result.created) == ("p/a:v0", "v0", True)
    assert (result.metrics, "best" in result.aliases) == ({"accuracy": 0.9}, True)


def test_it_shows_its_reference(result):
    """Names of task runs and log lines are made of it."""
    assert (str(result), f"{result}", repr(result)) == ("p/a:v0", "p/a:v0", "<ModelResult p/a:v0>")


def test_it_pickles_and_copies(result):
    """Prefect pickles results and copies parameters."""
    assert pickle.loads(pickle.dumps(result)) == result
    assert copy.deepcopy(result) == result
    assert len({result, copy.copy(result)}) == 1


def test_an_unknown_key_is_an_attribute_error(result):
    """Code that asks what it is (pickle, Prefect, pydantic) gets a plain no."""
    assert not hasattr(result, "stage")
    assert not hasattr(ModelResult.__new__(ModelResult), "ref")


def test_prefect_tracks_it_by_a_weak_reference_and_not_its_insides(result):
    """A dataclass or dict would be looked into, and its texts would tie unrelated task runs together."""
    assert weakref.ref(result)() is result
    assert not dataclasses.is_dataclass(result)
    assert not isinstance(result, dict | list)


def test_a_report_and_a_transition_have_a_reference_too(registry, linked):
    """The result of any task can be handed to the next."""
    from podium import check

    report = registry.test(f"{linked}:v0", check(name="fine")(lambda model_version: True))
    moved = registry.promote(f"{linked}:v0", "staging")
    made = [ModelResult.of(report), ModelResult.of(moved)]
    assert [item.ref for item in made] == [f"{linked}:v0"] * 2
    assert (made[0].passed, made[1].changed, made[1].stage) == (True, True, "staging")
