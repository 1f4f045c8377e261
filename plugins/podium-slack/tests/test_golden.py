"""How each kind of message reads: golden files for people. WRITE_GOLDEN=1 writes them anew, to be looked at."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from podium_slack.blocks import render
from podium_slack.buttons import Click, comment_modal
from podium_slack.decisions import render_standing, standing_of

from podium.domain.delivery import DEFAULT_EVENTS
from podium.plugins import Message, MetricChange
from podium.testing import slack_text

MakeMessage = Callable[..., Message]
GOLDEN = Path(__file__).parent / "golden"
MODEL = "model-registry/Digits classifier"
REQUEST = "01920000-0000-7000-8000-000000000001"
FAILED = (
    "The check 'accuracy_per_digit' failed: digit 8 has 0.81, and 0.90 is needed.",
    "accuracy >= production.accuracy - 0.005 does not hold: 0.9361 against 0.9667.",
)
WORSE = (MetricChange("accuracy", 0.93611, -0.03056), MetricChange("log_loss", 0.2101, 0.0936))
FIRST = (MetricChange("accuracy", 0.97778, None), MetricChange("log_loss", 0.0853, None))
ASKED = {
    "stage": "production",
    "number": 3,
    "source": "digits/support_vectors:v5",
    "asked": {"by": "anna", "at": "2026-11-24T09:00:00+00:00", "reason": "Better on every digit."},
}
NONE: dict[str, Any] = {"metrics": (), "version": None, "previous": None, "link": None, "origin": "script ask.py"}
ABOUT_REQUEST: dict[str, Any] = {"request": REQUEST, "metrics": (), "link": None, "origin": "podium-slack"}
GATE = {"reason": "It needs 2 approvals; approved by ben so far."}
SAID = [
    {"person": "ben", "decision": "approved", "comment": "The digits look fine."},
    {"person": "eve", "decision": "approved", "comment": None},
]

CASES: dict[str, dict[str, Any]] = {
    "linked": {
        "event_type": "model_version.linked",
        "title": f"{MODEL} v3 is linked from digits/support_vectors:v5",
        "after": {"number": 3, "source": "digits/support_vectors:v5"},
        "metrics": FIRST,
        "previous": None,
        "origin": "DAG train_and_promote · task link",
    },
    "promoted": {"reason": "Better on every digit."},
    "refused": {
        "event_type": "model_version.promotion_refused",
        "title": f"{MODEL} v3 was refused for production",
        "lines": FAILED,
        "metrics": WORSE,
    },
    "forced": {
        "event_type": "model_version.promotion_forced",
        "title": f"{MODEL} v3 was forced into production past its gates",
        "lines": (*FAILED, "Reason: The camera was replaced.\nThe check is measured on pictures of the old one."),
        "reason": "The camera was replaced.\nThe check is measured on pictures of the old one.",
        "metrics": WORSE,
    },
    "requested": {
        "event_type": "model_version.promotion_requested",
        "title": f"{MODEL} v3 waits to become production",
        "after": ASKED | {"expires_at": "2026-12-01T09:00:00+00:00"},
        "lines": (
            "It needs 2 approvals; nobody approved yet.",
            f"To decide: podium approve {REQUEST}, or podium reject with a comment",
            "Reason: Better on every digit.",
        ),
        "reason": "Better on every digit.",
        "request": REQUEST,
    },
    "approved": {
        "event_type": "model_version.promotion_approved",
        "title": f"{MODEL} v3 was approved for production by ben",
        "after": ASKED
        | {
            "person": "ben",
            "comment": "The digits look fine.",
            "approved": ["ben"],
            "missing": 1,
            "gate": GATE,
        },
        "lines": ("Comment: The digits look fine.", "1 more needed", "Asked for by anna: Better on every digit."),
        "reason": "The digits look fine.",
        **ABOUT_REQUEST,
    },
    "approval_withdrawn": {
        "event_type": "model_version.approval_withdrawn",
        "title": f"ben took back the approval of {MODEL} v3 for production",
        "lines": ("Comment: The digit 8 does not.", "2 more needed", "Asked for by anna: Better on every digit."),
        "after": ASKED | {"person": "ben", "approved": [], "missing": 2, "gate": GATE},
        "reason": "The digit 8 does not.",
        **ABOUT_REQUEST,
    },
    "rejected": {
        "event_type": "model_version.promotion_rejected",
        "title": f"{MODEL} v3 was rejected for production by ben",
        "after": ASKED | {"person": "ben", "comment": "The digit 8 is worse."},
        "lines": ("Comment: The digit 8 is worse.", "Asked for by anna: Better on every digit."),
        "reason": "The digit 8 is worse.",
        **ABOUT_REQUEST,
    },
    "cancelled": {
        "event_type": "model_version.promotion_cancelled",
        "title": f"{MODEL} v3 does not become production: the request was cancelled",
        "after": ASKED | {"why": "It waited until 2026-12-01 09:00 UTC and expired."},
        "lines": (
            "It waited until 2026-12-01 09:00 UTC and expired.",
            "Asked for by anna: Better on every digit.",
        ),
        "reason": "It waited until 2026-12-01 09:00 UTC and expired.",
        **ABOUT_REQUEST,
    },
    "rolled_back": {
        "event_type": "model_version.rolled_back",
        "title": f"production of {MODEL} is rolled back to v2 from v3",
        "after": {"stage": "production", "number": 2, "source": "digits/logistic_regression:v4"},
        "version": "v2",
        "previous": "v3",
        "metrics": (MetricChange("accuracy", 0.96667, 0.03056),),
        "reason": "Complaints about the digit 8.",
        "origin": "flow guard_production",
        "link": None,
    },
    "demoted": {
        "event_type": "model_version.demoted",
        "title": f"production of {MODEL} was taken from v3; nobody holds it",
        "after": {"stage": "production", "number": None},
        "reason": "It answers 8 to everything.",
        **NONE,
    },
    "frozen": {
        "event_type": "stage.frozen",
        "title": f"production of {MODEL} is frozen",
        "after": {"stage": "production", "until": "2027-01-02T00:00:00+00:00"},
        "lines": ("Until 2027-01-02T00:00:00+00:00", "Reason: Holidays."),
        "reason": "Holidays.",
        **NONE,
    },
    "unfrozen": {
        "event_type": "stage.unfrozen",
        "title": f"production of {MODEL} is open again",
        "after": {"freeze": "01920000"},
        "before": {"stage": "production"},
        "reason": "Everybody is back.",
        **NONE,
    },
    "adopted": {
        "event_type": "stage.adopted",
        "title": f"production became a stage of {MODEL} by a new policy; v3 holds it without a gate",
        "after": {"stage": "production", "number": 3},
        **(NONE | {"version": "v3"}),
    },
    "role_granted": {
        "event_type": "role.granted",
        "title": "ben is now lead in model-registry",
        "after": {"person": "ben", "role": "lead"},
        "model": "model-registry",
        **NONE,
    },
    "policy_set": {
        "event_type": "policy.set",
        "title": f"{MODEL} has a new policy: staging -> production",
        "after": {"revision": 4, "target": MODEL},
        "reason": "Two people have to agree.",
        **NONE,
    },
    "checks_failed": {
        "event_type": "model_version.checked",
        "title": f"{MODEL} v3 failed bias",
        "after": {
            "number": 3,
            "checks": [{"name": "bias", "status": "fail"}, {"name": "accuracy_per_digit", "status": "pass"}],
        },
        "lines": ("bias: fail, 12 % fewer hits for left-handers", "accuracy_per_digit: pass"),
        "metrics": (),
    },
    "checks_passed": {
        "event_type": "model_version.checked",
        "title": f"{MODEL} v3 passed bias",
        "after": {"number": 3, "checks": [{"name": "bias", "status": "pass"}]},
        "lines": ("bias: pass",),
        "metrics": (),
    },
    "alias_set": {
        "event_type": "alias.set",
        "title": f"best of {MODEL} is now v3 after v2",
        "after": {"alias": "best", "number": 3},
        **(NONE | {"version": "v3"}),
    },
    "automation_fired": {
        "event_type": "automation.fired",
        "title": f"The automation retrain did its work for {MODEL}:v3",
        "after": {"automation": "retrain", "action": "airflow.trigger_dag"},
        "lines": ("airflow.trigger_dag: podium__01920000",),
        **NONE,
    },
    "automation_failed": {
        "event_type": "automation.failed",
        "title": f"The automation retrain failed for {MODEL}:v3",
        "after": {"automation": "retrain", "action": "airflow.trigger_dag", "error": "Airflow answered 503."},
        "lines": ("airflow.trigger_dag: Airflow answered 503.", "Given up after 10 attempts"),
        **NONE,
    },
    "of_a_later_podium": {
        "event_type": "model_version.praised",
        "title": f"{MODEL}:v3: model_version.praised",
        "after": {"number": 3},
        "metrics": (),
    },
}
# The message that asked, as it reads once something was said about it.
STANDINGS: dict[str, dict[str, Any]] = {
    "request_waits": CASES["approved"],
    "request_rejected": CASES["rejected"],
    "request_cancelled": CASES["cancelled"],
    "request_promoted": {"request": REQUEST, "after": ASKED | {"outcome": "Approved by eve.", "approvals": SAID}},
    "request_refused": {
        "event_type": "model_version.promotion_refused",
        "request": REQUEST,
        "after": ASKED | {"outcome": "A gate failed when the last approval was there.", "approvals": SAID},
    },
}


def read(name: str, text: str) -> str:
    """Return what a golden file says, after writing it if asked to."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8")


def shown(rendered: tuple[str, list[Any]]) -> str:
    """Return a message as a person reads it in Slack."""
    text, blocks = rendered
    return slack_text({"text": text, "blocks": [block.to_dict() for block in blocks]})


@pytest.mark.parametrize("name", CASES)
def test_message(name: str, make_message: MakeMessage) -> None:
    """A message reads as its golden file."""
    text = shown(render(make_message(**CASES[name]), buttons=name == "requested"))
    assert text == read(name, text)


def test_each_usual_event_has_a_golden_file() -> None:
    """What a subscription tells if nothing else is said, can be read here."""
    assert set(DEFAULT_EVENTS) <= {case.get("event_type", "model_version.promoted") for case in CASES.values()}


@pytest.mark.parametrize("name", STANDINGS)
def test_request(name: str, make_message: MakeMessage) -> None:
    """The message that asked for approvals reads as its golden file once something was said."""
    standing = standing_of(make_message(**STANDINGS[name]))
    assert standing is not None
    text = shown(render_standing(standing, buttons=True))
    assert text == read(name, text)


def test_digest(make_message: MakeMessage) -> None:
    """A digest has a line for each message that it sums up."""
    names = ("linked", "requested", "promoted", "refused")
    parts = tuple(make_message(**CASES[name]) for name in names)
    message = make_message(title="4 messages in the last hour", lines=(), metrics=(), digest=parts)
    text = shown(render(message))
    assert text == read("digest", text)


def test_request_names_who_approved_at_last(make_message: MakeMessage) -> None:
    """Of a request that was granted, all are named who approved it, and nobody who took that back."""
    said = [
        {"person": "Max", "decision": "approved", "comment": None},
        *SAID,
        {"person": "max", "decision": "withdrawn", "comment": None},
        {"person": "zoe", "decision": "approved", "comment": None},
    ]
    standing = standing_of(
        make_message(request=REQUEST, after=ASKED | {"outcome": "Approved by zoe.", "approvals": said})
    )
    assert standing is not None
    assert standing.outcome == "Approved by ben, eve and zoe."


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_modal(verb: Any) -> None:
    """What a click opens reads as its golden file."""
    view = comment_modal(Click(verb, REQUEST, "U012AB3CD", "T1", "C1", "1.1"), f"{MODEL}:v3 for production, by anna.")
    lines = [f"[ {view['title']['text']} ]", *(_line(block) for block in view["blocks"])]
    text = "\n\n".join([*lines, f"[{view['close']['text']}]  [{view['submit']['text']}]"]) + "\n"
    assert text == read(f"modal_{verb}", text)


def _line(block: dict[str, Any]) -> str:
    if block["type"] != "input":
        return str(block["text"]["text"])
    return f"{block['label']['text']}{' (optional)' if block['optional'] else ''}: ________"
