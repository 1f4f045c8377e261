"""The JSON Schema of notifications: what editors complete by, and what `podium.domain.notification_text` reads by.

There is one source: ``docs/notifications.schema.json`` is what ``podium notify schema`` prints, and a test holds that
they are equal.
"""

from __future__ import annotations

import json
from typing import Any

from podium.domain.delivery import DEFAULT_EVENTS
from podium.domain.events import TYPES
from podium.domain.policy_schema import LABEL, SPAN, list_of, object_of, said

_TEXT = {"type": "string", "minLength": 1}
_KINDS = list(dict.fromkeys(f"{name.partition('.')[0]}.*" for name in TYPES))
# Editors complete the types and refuse other words; of a pattern only `notification_rules` knows whether any type fits.
_EVENTS = {
    **_TEXT,
    "description": "An event type, * allowed, such as model_version.*",
    "anyOf": [{"enum": [*TYPES, *_KINDS, "*"]}, {"pattern": r"[*?\[]"}],
}
_MODEL = {**_TEXT, "description": "Only events of this registry, project, artifact or model; * and ? allowed."}
_FILTER = {
    "type": "string",
    "description": "An expression about the event, such as after.stage = 'production'.",
    "maxLength": 10_000,
}
_SETTINGS = {
    "type": "object",
    "description": "What it needs; secrets as references (env:NAME, file:/path), never in clear.",
    "additionalProperties": True,
}
_TEXT_SETTINGS = {**_SETTINGS, "additionalProperties": {"type": "string"}}
_TEMPLATE = object_of(
    "Words in place of Podium's own: Jinja over the fields of the message.",
    ["title"],
    title={**_TEXT, "description": "One line.", "maxLength": 10_000},
    lines={"type": "string", "description": "The lines below it.", "maxLength": 10_000},
)
_SUBSCRIPTION = object_of(
    "Which events go to which channel.",
    ["name", "channel"],
    name=said(LABEL, "What to call it."),
    channel=said(LABEL, "The channel of a plugin, such as slack or console."),
    events=list_of("Which events.", _EVENTS, minItems=1, default=list(DEFAULT_EVENTS)),
    settings=_TEXT_SETTINGS,
    model=_MODEL,
    filter=_FILTER,
    template=_TEMPLATE,
    digest=said(SPAN, "How much time one message sums up, such as 1h."),
    deduplicate=said(SPAN, "How long the same is not told again, such as 10m."),
)
_AUTOMATION = object_of(
    "What starts by itself when something happened.",
    ["name", "action", "events"],
    name=said(LABEL, "What to call it."),
    action=said(LABEL, "The action of a plugin, such as airflow.trigger_dag."),
    events=list_of("Which events.", _EVENTS, minItems=1),
    settings={**_SETTINGS, "description": "What it needs; each text is a Jinja template over the event."},
    model=_MODEL,
    filter=_FILTER,
    enabled={"type": "boolean", "description": "Whether it fires.", "default": True},
)
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Podium notifications",
    **object_of(
        "Who is told of what, and what starts by itself.",
        [],
        subscriptions=list_of("Events to channels.", _SUBSCRIPTION, maxItems=1000),
        automations=list_of("Events to actions.", _AUTOMATION, maxItems=1000),
    ),
}


def schema_text() -> str:
    """Return the schema as its file has it."""
    return json.dumps(SCHEMA, indent=2) + "\n"
