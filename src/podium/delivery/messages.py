"""Events in words: the neutral message that every channel renders, in Podium's words or in those of a template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from podium.delivery.words import lines_of, title_of
from podium.domain.delivery import Template
from podium.domain.events import Event
from podium.domain.plain import storable
from podium.domain.templates import render_text
from podium.errors import InvalidValueError
from podium.plugins.channels import Earlier, Message, MetricChange

_MOST_METRICS = 8
_MOST_LINES = 100


def message_of(
    delivery_id: str, event: Event, *, request: str | None = None, earlier: Sequence[Earlier] = ()
) -> Message:
    """Return the message about an event; the same event always gives the same message."""
    number = event.after.get("number", event.before.get("number"))
    previous = event.before.get("number") if "number" in event.after else None
    return Message(
        id=delivery_id,
        event=event,
        title=title_of(event),
        lines=lines_of(event),
        model=event.stream,
        version=f"v{number}" if isinstance(number, int) else None,
        actor=event.actor,
        origin=event.origin.label,
        link=event.origin.url,
        metrics=_metrics(event.after.get("metrics") or {}, event.before.get("metrics") or {}),
        previous=f"v{previous}" if isinstance(previous, int) else None,
        request=request,
        earlier=tuple(earlier),
    )


def in_words_of(template: Template, message: Message) -> Message:
    """Return a message with the title, and the lines, that a template says.

    Raises:
        InvalidValueError: The template fails, or says nothing.
    """
    fields = template_fields(message)
    title = " ".join(storable(str(render_text(template.title, fields))).split())
    if not title:
        raise InvalidValueError("The template says nothing.", hint="Give its title some words.")
    lines = message.lines
    if template.lines is not None:
        text = storable(str(render_text(template.lines, fields)))
        lines = tuple(line.rstrip() for line in text.splitlines() if line.strip())[:_MOST_LINES]
    return replace(message, title=title, lines=lines)


def template_fields(message: Message) -> dict[str, Any]:
    """Return what a template of a subscription may name; nobody's words break a line, which would look like another."""
    event = message.event.to_json()
    fields = {
        "model": message.model,
        "name": message.model.partition("/")[2] or message.model,
        "version": message.version,
        "stage": event["after"].get("stage") or event["before"].get("stage"),
        "actor": message.actor,
        "reason": message.event.reason,
        "origin": message.origin,
        "link": message.link,
        "previous": message.previous,
        "title": message.title,
        "lines": list(message.lines),
        "metrics": {metric.name: metric.value for metric in message.metrics},
        "event": event,
        "after": event["after"],
        "before": event["before"],
    }
    return {name: _in_one_line(value) for name, value in fields.items()}


def _in_one_line(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_in_one_line(key): _in_one_line(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_in_one_line(item) for item in value]
    return " ".join(value.splitlines()) if isinstance(value, str) else value


def digest_of(message_id: str, messages: Sequence[Message]) -> Message:
    """Return the one message that sums up several, the newest last."""
    newest = messages[-1]
    models = list(dict.fromkeys(message.model for message in messages))
    about = models[0] if len(models) == 1 else f"{len(models)} models and artifacts"
    origins = list(dict.fromkeys(message.origin for message in messages))
    return replace(
        newest,
        id=message_id,
        title=f"{len(messages)} messages about {about}",
        lines=(),
        version=None,
        actor=_some(list(dict.fromkeys(message.actor for message in messages)), "people"),
        origin=_some(origins, "executions"),
        link=newest.link if len(origins) == 1 else None,
        metrics=(),
        previous=None,
        request=None,
        earlier=(),
        digest=tuple(messages),
    )


def _some(names: list[str], what: str) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} {what}"


def _metrics(now: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[MetricChange, ...]:
    chosen = sorted(now)[:_MOST_METRICS]
    return tuple(MetricChange(name, now[name], now[name] - before[name] if name in before else None) for name in chosen)
