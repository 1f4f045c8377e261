"""Which result of a check counts: by the order in its place, never by the clock of whoever recorded it."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import patch

import pytest

from podium.errors import PromotionRefusedError
from podium.registry import base

MODEL = "model-registry/Digits classifier"
SAFE = {"stages": [{"name": "production", "checks": [{"name": "safety", "max_age": "1h"}]}]}


@pytest.fixture
def governed(registry, linked):
    """One version, and a stage that asks for a check."""
    linked(registry, 1)
    registry.set_policy(MODEL, SAFE)
    return registry


def record(registry, ref: str, status: str, ahead: timedelta = timedelta(0)) -> None:
    """Record a result from a machine whose clock is ahead."""
    time = base.now() + ahead
    with patch.object(base, "now", lambda: time):
        registry.record_check(ref, "safety", status)


def searched(registry) -> str:
    """Return which result of the check the search sees."""
    words = ("pass", "fail")
    (found,) = [word for word in words if registry.search(f"check.safety = '{word}'", kind="model").items]
    return found


def test_a_later_failure_counts_whatever_the_clock_says(governed) -> None:
    """A pass from a machine whose clock is ahead does not outlive the failure that was recorded after it."""
    record(governed, MODEL, "pass", timedelta(minutes=3))
    record(governed, MODEL, "fail")
    with pytest.raises(PromotionRefusedError, match="'safety' failed"):
        governed.promote(MODEL, "production")
    assert [check.result.status for check in governed.checks(MODEL)] == ["pass", "fail"]
    assert searched(governed) == "fail"


@pytest.mark.parametrize("ahead", [timedelta(minutes=-3), timedelta(minutes=3)])
@pytest.mark.parametrize("failed", [MODEL, "digits/mlp:v0"])
def test_a_failure_in_either_place_refuses(governed, failed, ahead) -> None:
    """Between a model and the artifact there is no order but clocks: a failure counts until it is run again there."""
    passed = "digits/mlp:v0" if failed == MODEL else MODEL
    record(governed, failed, "fail")
    record(governed, passed, "pass", ahead)
    assert searched(governed) == "fail"
    where = "" if failed == MODEL else ", recorded on digits/mlp:v0"
    with pytest.raises(PromotionRefusedError, match=f"'safety' failed on {MODEL}:v0{where}[.]"):
        governed.promote(MODEL, "production")
    record(governed, failed, "pass")
    assert searched(governed) == "pass"
    assert governed.promote(MODEL, "production").changed


def test_a_result_from_the_future_has_no_age(governed) -> None:
    """The facts of its gate say how far in the future it was recorded."""
    record(governed, MODEL, "pass", timedelta(minutes=3))
    (gate,) = governed.promote(MODEL, "production").gates
    assert (gate.facts["age_seconds"], gate.facts["recorded_in_future_seconds"]) == (0, pytest.approx(180, abs=2))


def test_a_result_says_where_it_was_recorded(governed) -> None:
    """On the artifact, or on the model."""
    record(governed, "digits/mlp:v0", "pass")
    record(governed, MODEL, "pass")
    assert [check.collection for check in governed.checks(MODEL)] == ["digits/mlp", MODEL]
