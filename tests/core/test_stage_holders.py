"""Who has held a stage: by a promotion, a rollback or an adoption, never by an alias that was set by hand."""

from __future__ import annotations

import pytest

from podium.errors import NotFoundError, PromotionRefusedError

MODEL = "model-registry/Digits classifier"
LIVE = {"stages": [{"name": "live"}]}
STRICT = {"stages": [{"name": "qa", "checks": ["safety"]}, {"name": "production", "from": "qa"}]}


@pytest.fixture
def by_hand(registry, linked):
    """Three versions; qa is an alias that v0 had and v1 has."""
    linked(registry, 3)
    registry.set_policy("model-registry", LIVE)
    for number in (0, 1):
        registry.set_alias(f"{MODEL}:v{number}", "qa")
    return registry


@pytest.mark.parametrize("to", [None, "v0"])
def test_no_way_back_to_who_had_the_alias(by_hand, rows, to) -> None:
    """What was an alias by hand before the policy is no earlier holder, neither the newest nor by its name."""
    by_hand.remove_alias(MODEL, "qa")
    by_hand.set_policy(MODEL, STRICT)
    before = rows(by_hand)
    with pytest.raises(NotFoundError, match=r"Nothing held|v0 never held"):
        by_hand.rollback(MODEL, "qa", to=to)
    assert rows(by_hand) == before


def test_having_had_the_alias_is_not_having_been_in_the_stage(by_hand) -> None:
    """`from` asks for a stage that was given through its gates."""
    by_hand.remove_alias(MODEL, "qa")
    by_hand.set_policy(MODEL, STRICT)
    with pytest.raises(PromotionRefusedError, match="v0 has not been in 'qa'"):
        by_hand.promote(f"{MODEL}:v0", "production")


def test_before_an_adoption_nobody_held_the_stage(by_hand) -> None:
    """A policy takes over who has the alias, and not who had it before."""
    by_hand.set_policy(MODEL, STRICT, adopt=True)
    with pytest.raises(NotFoundError, match="Nothing held 'qa'"):
        by_hand.rollback(MODEL, "qa")
    with pytest.raises(PromotionRefusedError, match="v0 has not been in 'qa'"):
        by_hand.promote(f"{MODEL}:v0", "production")


def test_what_an_adoption_took_over_has_held_the_stage(by_hand) -> None:
    """Also when it lost the stage since: a rollback brings it back, and `from` lets it through."""
    by_hand.set_policy(MODEL, STRICT, adopt=True)
    by_hand.record_check(f"{MODEL}:v2", "safety", "pass")
    by_hand.promote(f"{MODEL}:v2", "qa")
    assert by_hand.promote(f"{MODEL}:v1", "production").changed
    assert by_hand.rollback(MODEL, "qa").number == 1
