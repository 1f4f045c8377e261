"""Events and messages to test with: one of every type, as the registry makes them, and with hostile words in it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from podium.delivery.messages import message_of
from podium.domain.events import TYPES, Event
from podium.domain.origin import Origin
from podium.plugins.channels import Message, MetricChange

MODEL = "model-registry/Digits classifier"
MARK = "Zebra"
"""Stands at the beginning of every hostile text: what is told must hold it still."""

FORGED = f"{MODEL.partition('/')[0]}/Other v9 is now production"
"""Stands in texts that try to make a line of their own: no line of what is told may begin with it."""

HOSTILE_TEXTS: Mapping[str, str] = {
    "mention": f"{MARK} <!channel> <!here|here> <@U012AB3CD> @everyone @here @channel <@&12345678>",
    "link": f"{MARK} [docs](https://evil.example) <https://evil.example|docs> https://evil.example www.evil.example",
    "html": f"{MARK} <script>alert(1)</script><img src=x onerror=alert(1)><a href='https://evil.example'>x</a><b>b</b>",
    "markdown": f"{MARK} **bold** _it_ ~no~ `code` ```block``` # head > quote | a | b |",
    "header": f"{MARK}\r\nX-Injected: yes\r\nBcc: evil@evil.example\r\n\r\ninjected body",
    "line": f"{MARK}\n{FORGED}\rsame line",
    "lines": f"{MARK}\n{FORGED}\nnext line\r{FORGED}\r\n{FORGED}\n",
    "formula": f"=HYPERLINK({MARK!r}) {MARK} =cmd|'/c calc'!A1",
    "template": f"{MARK} {{{{ 7 * 7 }}}} ${{7*7}} {{0}} {{event.id.__class__}} %s %(x)s #{{7*7}}",
    "json": f'{MARK} "}}],"text":"injected","x":{{"',
    "direction": f"{MARK} v3\u202enoitcudorp \u2066a\u2069 \u200fb\u061c",
    "hidden": f"{MARK} a\u200bb\u00adc \x1b[2J\x1b[31m\x07\x08\x00 \x9b31m \u2028next\u2029",
    "surrogate": f"{MARK} half a character: \ud83d",
    "long": f"{MARK} " + "long " * 10_000,
}
"""What somebody may write into a name, a reason or a metric, by what it tries."""

EVENT_TYPES: tuple[str, ...] = tuple(TYPES)

_RUN = "https://airflow.example.com/dags/train_and_promote/runs/manual__2026-11-24"
_METRICS = {"accuracy": 0.97778, "log_loss": 0.0853}
_EARLIER = {"accuracy": 0.96667, "log_loss": 0.1165}


def make_event(type: str = "model_version.promoted", **changes: Any) -> Event:
    """Return an event of a type, with all that a message about it may tell.

    Args:
        type: One of `EVENT_TYPES`.
        changes: Other values for fields of `Event`, such as ``reason="because"``.

    Raises:
        ValueError: There is no such type.
    """
    if type not in TYPES:
        raise ValueError(f"There is no event {type!r}. There are {', '.join(TYPES)}.")
    before, after = _facts(type)
    event = Event(
        id=str(uuid.uuid4()),
        type=type,
        stream=MODEL,
        sequence=4,
        at=datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
        actor="anna",
        origin=Origin("airflow", "DAG train_and_promote · task promote", _RUN),
        subject=f"{MODEL}:v3",
        before=before,
        after=after,
        reason="better on every digit",
        hash=uuid.uuid4().hex * 2,
    )
    return replace(event, **changes)


def make_message(type: str = "model_version.promoted", *, event: Event | None = None, **changes: Any) -> Message:
    """Return the message that a channel gets about an event of a type, with an id that no other has.

    Args:
        type: One of `EVENT_TYPES`.
        event: The event, instead of one of that type.
        changes: Other values for fields of `Message`, such as ``title="<b>"``.

    Raises:
        ValueError: There is no such type.
    """
    message = message_of(str(uuid.uuid4()), event if event is not None else make_event(type))
    return replace(message, **changes)


def make_hostile_message(words: str, type: str = "model_version.promotion_refused") -> Message:
    """Return a message that has the words in every place where somebody can write; it has no link.

    Args:
        words: Such as one of `HOSTILE_TEXTS`.
        type: One of `EVENT_TYPES`.
    """
    before, after = _facts(type)
    event = make_event(
        type,
        actor=words,
        stream=f"model-registry/{words}",
        subject=f"model-registry/{words}:v3",
        origin=Origin(words, words, None, details={"dag_id": words}),
        before=_filled(before, words),
        after={**_filled(after, words), "metrics": {words: 1.0}, "reasons": [words, words]},
        reason=words,
    )
    lines, metrics = (words, f"Reason: {words}"), (MetricChange(words, 1.0, 0.5),)
    return make_message(event=event, title=words, lines=lines, metrics=metrics, version=words, previous=words)


def make_digest(count: int = 3) -> Message:
    """Return a message that sums up several."""
    parts = tuple(make_message(title=f"{MODEL} v{number} is now production") for number in range(count))
    return make_message(title=f"{count} messages about {MODEL}", lines=(), metrics=(), digest=parts)


def _facts(type: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what was and what is, of an event of a type; those of several types together, as a channel may look."""
    before: dict[str, Any] = {"number": 2, "stage": "production", "alias": "best", "metrics": _EARLIER}
    after: dict[str, Any] = {
        "number": 3,
        "stage": "production",
        "alias": "best",
        "tag": "candidate",
        "source": "digits/support_vectors:v5",
        "person": "ben",
        "type": "model",
        "role": "approver",
        "channel": "console",
        "action": "podium.set_alias",
        "automation": "retrain",
        "next_number": 7,
        "metrics": _METRICS,
    }
    if type in ("model_version.promotion_refused", "model_version.promotion_forced"):
        after["reasons"] = ["The check 'accuracy_per_digit' failed: digit 8 has 0.81, and 0.90 is needed."]
    if type == "model_version.promotion_requested":
        after["waiting_for"] = ["1 of 2 approvals is there."]
    if type == "automation.failed":
        after["error"] = "HTTP 503"
    if type == "model_version.checked":
        after["checks"] = [{"name": "bias", "status": "fail", "message": "too much", "severity": "error"}]
    return before, after


def _filled(facts: Mapping[str, Any], words: str) -> dict[str, Any]:
    return {name: words if isinstance(value, str) else value for name, value in facts.items()}
