"""What an expression may ask about an event: in the audit, and as the filter of a subscription or an automation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podium.domain.events import TYPES, Event
from podium.domain.expressions import Field, Found, Lookup, Type, Vocabulary, evaluate, read_expression
from podium.domain.fields import MOST_ELEMENTS

EVENTS = Vocabulary(
    "events",
    (
        Field("type", Type.TEXT, "what happened, such as model_version.promoted", choices=tuple(TYPES)),
        Field("subject", Type.TEXT, "what it is about, such as model-registry/Digits:v3"),
        Field("stream", Type.TEXT, "NAMESPACE/NAME, or NAMESPACE", synonyms=("collection",)),
        Field("sequence", Type.NUMBER, "its place in the stream, from 1"),
        Field("at", Type.TIME, "when", synonyms=("created", "created_at", "time")),
        Field("actor", Type.TEXT, "who", synonyms=("created_by", "creator", "by")),
        Field("reason", Type.TEXT, "why, if said"),
        Field("origin.kind", Type.TEXT, "airflow, prefect, script, or the word of a plugin"),
        Field("origin.label", Type.TEXT, "the execution in one line, such as 'DAG train · task fit'"),
        Field("origin.url", Type.TEXT, "where to look at it"),
        Field("origin", Type.TEXT, "what the host knows: dag_id, run_id, task_id, flow_run_id, script", family=True),
        Field("before", Type.ANY, "what was, such as before.number", family=True),
        Field("after", Type.ANY, "what is, such as after.stage", family=True),
    ),
    meant={
        **{name: f"after.{name}" for name in ("stage", "alias", "tag", "number", "source", "failed", "automation")},
        "version": "after.number",
        "metric": "after.metrics",
        "metrics": "after.metrics",
        **dict.fromkeys(("model", "name", "registry", "project", "artifact"), "stream"),
    },
)


def event_fits(where: str, event: Event) -> bool:
    """Whether an event fits an expression about `EVENTS`; empty fits all.

    Raises:
        ExpressionError: The expression cannot be understood.
    """
    condition = read_expression(where, EVENTS, event.at).condition
    return evaluate(condition, event_lookup(event)) is True


def event_lookup(event: Event) -> Lookup:
    """Return what gives the values of an event's fields, the same as the database gives."""

    def look(found: Found) -> Any:
        name = found.field.name
        if name.startswith("origin"):
            return _of_origin(event, found)
        if found.key is not None:
            return _at(event.before if name == "before" else event.after, found.key.split("."))
        return getattr(event, name)

    return look


def _of_origin(event: Event, found: Found) -> str | None:
    if found.key is None:
        value = getattr(event.origin, found.field.name.partition(".")[2])
    else:
        value = event.origin.details.get(found.key)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _at(document: Mapping[str, Any], path: list[str]) -> list[Any]:
    """Return the scalars at a path of plain JSON: itself, or the elements of a list."""
    value: Any = document
    for part in path:
        if not isinstance(value, Mapping) or part not in value:
            return []
        value = value[part]
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str | int | float)][:MOST_ELEMENTS]
