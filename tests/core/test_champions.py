"""Whom a test compares with: a name that was misspelled is no reason to compare with nobody."""

from __future__ import annotations

import pytest

from podium.checks import check
from podium.errors import InvalidNameError, NotFoundError

MODEL = "model-registry/Digits classifier"


@check
def compares(champion) -> bool:
    """Pass where nobody is there to be worse than."""
    return champion is None


def test_a_name_that_nobody_can_hold_is_an_error(registry, linked) -> None:
    """It is neither a stage nor an alias, so what was meant is suggested, and nothing is recorded."""
    ref = linked(registry, 1)
    with pytest.raises(NotFoundError, match="never had an alias") as caught:
        registry.test(ref, compares, champion="stagign")
    assert "Did you mean 'staging'?" in str(caught.value)
    assert registry.checks(ref) == []


@pytest.mark.parametrize("name", ["staging", "production", None])
def test_a_stage_may_be_held_by_nobody(registry, linked, name) -> None:
    """A stage of the policy, or the usual one, has no holder at first: the comparison passes."""
    assert registry.test(linked(registry, 1), compares, champion=name).passed


def test_the_usual_stage_need_not_be_one(registry, linked) -> None:
    """A policy without ``production`` does not break a test that says nothing of whom to compare with."""
    ref = linked(registry, 1)
    registry.set_policy(MODEL, {"stages": [{"name": "live"}]})
    assert registry.test(ref, compares).passed


def test_an_alias_that_was_taken_away_is_known(registry, linked) -> None:
    """What somebody held once is no mistake, in a model and in an artifact."""
    linked(registry, 1)
    for place in (MODEL, "digits/mlp"):
        registry.set_alias(f"{place}:v0", "best")
        registry.remove_alias(place, "best")
        assert registry.test(place, compares, champion="best").passed


@pytest.mark.parametrize("name", ["no name", "x" * 200])
def test_what_is_no_name_is_an_error(registry, linked, name) -> None:
    """Nobody can hold it."""
    with pytest.raises((InvalidNameError, NotFoundError)):
        registry.test(linked(registry, 1), compares, champion=name)
