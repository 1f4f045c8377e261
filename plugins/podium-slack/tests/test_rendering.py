"""How messages look: golden files to read, every event type, the limits of Block Kit."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from podium_slack.blocks import render

from podium.domain.events import TYPES
from podium.plugins import Message, MetricChange
from podium.testing import slack_text

MakeMessage = Callable[..., Message]
GOLDEN = Path(__file__).parent / "golden"
MODEL = "model-registry/Digits classifier"
FAILED = (
    "The check 'accuracy_per_digit' failed: digit 8 has 0.81, and 0.90 is needed.",
    "accuracy >= production.accuracy - 0.005 does not hold: 0.9361 against 0.9667.",
)
WORSE = (MetricChange("accuracy", 0.93611, -0.03056), MetricChange("log_loss", 0.2101, 0.0936))
FIRST = (MetricChange("accuracy", 0.97778, None), MetricChange("log_loss", 0.0853, None))

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
}


def payload(message: Message) -> dict[str, Any]:
    """The message as both ways into Slack send it."""
    text, blocks = render(message)
    return {"text": text, "blocks": [block.to_dict() for block in blocks]}


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, make_message: MakeMessage) -> None:
    """The message reads as its golden file; WRITE_GOLDEN=1 writes the files anew, to be looked at."""
    path = GOLDEN / f"{name}.txt"
    text = slack_text(payload(make_message(**CASES[name])))
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("event_type", [*TYPES, "model_version.of_a_later_podium"])
def test_every_event_type_renders(event_type: str, make_message: MakeMessage) -> None:
    """Any event, an unknown one included, says what happened, to what, by whom and from where."""
    text = slack_text(payload(make_message(event_type, f"{MODEL} v3: something happened", after={})))
    assert "Digits classifier v3: something happened" in text.splitlines()[0]
    assert all(words in text for words in (MODEL, "v3", "anna", "DAG train_and_promote", "2026-11-24 09:30 UTC"))


@pytest.mark.parametrize(
    ("statuses", "verdict"), [(["pass", "fail", "error"], "2 of 3"), (["pass"], "No check failed")]
)
def test_checks_say_whether_to_worry(statuses: list[str], verdict: str, make_message: MakeMessage) -> None:
    """A message about checks counts those that did not pass."""
    checks = [{"name": f"check {place}", "status": status} for place, status in enumerate(statuses)]
    text = slack_text(payload(make_message("model_version.checked", "Checks ran", after={"checks": checks})))
    assert verdict in text


@pytest.mark.parametrize(
    ("event_type", "verdict"),
    [
        ("model_version.promoted", "Nothing was in production before."),
        ("model_version.promotion_refused", "stays empty."),
    ],
)
def test_no_holder_before(event_type: str, verdict: str, make_message: MakeMessage) -> None:
    """A stage that was empty is said to have been empty, not to have had None."""
    text = slack_text(payload(make_message(event_type, "T", previous=None)))
    assert verdict in text
    assert "None" not in text


def test_promotion_past_gates_says_so(make_message: MakeMessage) -> None:
    """A promotion that was forced does not look like one that passed."""
    after = {"stage": "production", "number": 3, "reasons": list(FAILED)}
    text = slack_text(payload(make_message(after=after, lines=FAILED)))
    assert "It replaces v2 in production. Gates that failed were overruled." in text
    assert f"What failed\n• {FAILED[0]}" in text


def test_texts_beyond_every_limit_are_cut(make_message: MakeMessage) -> None:
    """Whatever the length of names, lines, metrics and reason, Slack's own limits hold and the cut is marked."""
    long = "x" * 10_000
    metrics = tuple(MetricChange(f"{place}{long}", 1.0, 0.5) for place in range(40))
    reason = f"{long}\n" * 10
    message = make_message(
        title=long, model=f"r/{long}", actor=long, lines=(long,) * 40, metrics=metrics, reason=reason, origin=long
    )
    sent = payload(message)
    assert len(sent["blocks"]) <= 50
    assert len(sent["blocks"][0]["text"]["text"]) == 150
    assert sent["blocks"][0]["text"]["text"].endswith("…")
    assert len(slack_text(sent)) < 15_000
    assert len(sent["text"]) <= 4_000
    assert "… and 28 more" in slack_text(sent)


def test_blocks_that_slack_would_not_take_become_plain_text(
    make_message: MakeMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If Slack's models find a block invalid, one block of plain text says everything."""
    monkeypatch.setattr("podium_slack.blocks._HEADER", 400)
    sent = payload(make_message(title=f"{MODEL} " + "x" * 300))
    assert [block["type"] for block in sent["blocks"]] == ["section"]
    assert sent["blocks"][0]["text"]["type"] == "plain_text"
    assert "accuracy 0.9778 (+0.0111)" in slack_text(sent)


@pytest.mark.parametrize("link", ["https://a.example/x?y=1&z=2#w", "http://localhost:8080/dags"])
def test_web_pages_are_linked(link: str, make_message: MakeMessage) -> None:
    """The run is one click away, by a link with words of our own."""
    assert f"open the run ({link})" in slack_text(payload(make_message(link=link)))


@pytest.mark.parametrize(
    "link",
    [
        None,
        "",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "https://a.example/ b",
        "https://a.example/\n",
        "https://a.example/\u202e",
        "https://[bad/",
        "https://a.example/" + "x" * 3000,
    ],
)
def test_what_is_no_web_page_is_not_linked(link: str | None, make_message: MakeMessage) -> None:
    """Only http and https become a link; anything else is left out."""
    assert "open the run" not in slack_text(payload(make_message(link=link)))


def test_no_button(make_message: MakeMessage) -> None:
    """There is no button: Slack warns whoever clicks one of an app that does not answer."""
    assert {block["type"] for block in payload(make_message())["blocks"]} == {"header", "rich_text", "context"}
