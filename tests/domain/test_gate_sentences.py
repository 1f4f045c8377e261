"""What gates say is sentences, also where a person's words end them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from podium.domain.evaluation import Evidence, evaluate_gates
from podium.domain.gates import sentence
from podium.domain.metric_gates import Subject
from podium.domain.policies import FreezeWindow, Stage
from podium.domain.transitions import FreezeInfo
from podium.errors import PromotionRefusedError

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SUBJECT = Subject("reg/m:v1", 1, "sha256:1")


@pytest.mark.parametrize(
    ("said", "shown"), [("hold", "hold."), ("hold!", "hold!"), ("hold. ", "hold."), ("(x)", "(x).")]
)
def test_words_of_a_person_end_with_a_stop(said: str, shown: str) -> None:
    """Another sentence follows, so that they must not run into it."""
    assert sentence(said) == shown


def test_an_error_puts_a_stop_between_what_happened_and_what_to_do() -> None:
    """The message of an error may end in what somebody said."""
    assert str(PromotionRefusedError("v1 was refused: hold", hint="Wait.")) == "v1 was refused: hold. Wait."
    assert str(PromotionRefusedError("v1 was refused: hold")) == "v1 was refused: hold"


FREEZES = {
    "by a person": (Stage("live"), (FreezeInfo("1", "reg/m", None, "hold", NOW, "ann", None),)),
    "by the policy": (Stage("live", freeze=(FreezeWindow("2026-01-01", "2027-01-01", "hold"),)), ()),
}


@pytest.mark.parametrize("case", FREEZES)
def test_a_freeze_ends_with_a_stop(case: str) -> None:
    """Its reason is the last word of what the gate says."""
    stage, freezes = FREEZES[case]
    (gate,) = evaluate_gates(stage, Evidence(SUBJECT, NOW, freezes=freezes))
    assert gate.reason.endswith(": hold.")
