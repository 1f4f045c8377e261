"""How messages look: every event type, the limits of Block Kit, buttons where they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from podium_slack.blocks import render

from podium.domain.events import TYPES
from podium.plugins import Message, MetricChange
from podium.testing import slack_text

MakeMessage = Callable[..., Message]
MODEL = "model-registry/Digits classifier"
FAILED = (
    "The check 'accuracy_per_digit' failed: digit 8 has 0.81, and 0.90 is needed.",
    "accuracy >= production.accuracy - 0.005 does not hold: 0.9361 against 0.9667.",
)


def payload(message: Message) -> dict[str, Any]:
    """The message as both ways into Slack send it."""
    text, blocks = render(message)
    return {"text": text, "blocks": [block.to_dict() for block in blocks]}


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
    monkeypatch.setattr("podium_slack.rich.HEADER", 400)
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


@pytest.mark.parametrize(
    ("event_type", "buttons"), [("model_version.promotion_requested", False), ("model_version.promoted", True)]
)
def test_no_button(event_type: str, buttons: bool, make_message: MakeMessage) -> None:
    """Where nobody asked, nothing has a button: Slack warns whoever clicks one of an app that does not answer."""
    _, blocks = render(make_message(event_type, request="0192-request"), buttons=buttons)
    assert {block.type for block in blocks} == {"header", "rich_text", "context"}


def test_buttons_hold_the_id_alone(make_message: MakeMessage) -> None:
    """A request gets two buttons, whose value is the id of the request: whatever counts is asked at the registry."""
    message = make_message("model_version.promotion_requested", f"{MODEL} v3 waits", request="0192-request")
    (actions,) = [block.to_dict() for block in render(message, buttons=True)[1] if block.type == "actions"]
    assert [(one["action_id"], one["value"]) for one in actions["elements"]] == [
        ("podium_approve", "0192-request"),
        ("podium_reject", "0192-request"),
    ]


def test_digest_counts_what_it_leaves_out(make_message: MakeMessage) -> None:
    """A digest of very many stays one that somebody reads, and that Slack takes."""
    parts = tuple(make_message(title=f"{MODEL} {place} " + "x" * 500) for place in range(200))
    sent = payload(make_message(title="200 messages", digest=parts, lines=(), metrics=()))
    assert "… and 160 more" in slack_text(sent)
    assert len(slack_text(sent)) < 20_000
    assert len(sent["text"]) <= 4_000
