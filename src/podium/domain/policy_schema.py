"""The JSON Schema of policies: what editors complete by, and what `podium.domain.policy_reading` reads by.

There is one source: the file ``policy.schema.json`` beside this one is written from it (``python -m
podium.domain.policy_schema``), and a test holds that they are equal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from podium.domain.durations import DURATION

SCHEMA_FILE = Path(__file__).with_name("policy.schema.json")

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_ALIAS = {"type": "string", "pattern": _NAME, "format": "podium-alias"}
LABEL = {"type": "string", "pattern": _NAME, "format": "podium-label"}
SPAN = {"type": "string", "pattern": DURATION, "format": "podium-duration"}


def object_of(description: str, required: list[str], **properties: dict[str, Any]) -> dict[str, Any]:
    """An object that takes no other key."""
    named = {name.rstrip("_"): schema for name, schema in properties.items()}
    return {
        "type": "object",
        "description": description,
        "additionalProperties": False,
        "required": required,
        "properties": named,
    }


def list_of(description: str, items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A list of such items."""
    return {"type": "array", "description": description, "items": items, **more}


def said(schema: dict[str, Any], description: str) -> dict[str, Any]:
    """A schema with words about what it is for."""
    return {**schema, "description": description}


_CHECK = object_of(
    "A required check with conditions.",
    ["name"],
    name=said(LABEL, "The check."),
    max_age=said(SPAN, "How old its newest result may be, such as 7d."),
    severity={
        "type": "string",
        "description": "error refuses even what the check calls a warning; warn never refuses.",
        "enum": ["error", "warn"],
    },
)
_APPROVALS = object_of(
    "Who has to agree.",
    [],
    count={"type": "integer", "description": "How many different people.", "minimum": 1, "maximum": 100, "default": 1},
    roles=list_of("Who approves has one of these roles.", LABEL, uniqueItems=True),
    not_author={
        "type": "boolean",
        "description": "Whether who asked, and who logged the version, may not approve.",
        "default": True,
    },
    expires=said(SPAN, "How long a request waits, such as 3d."),
)
_TIME = {"type": "string", "format": "podium-time", "maxLength": 64}
_FREEZE = object_of(
    "A time in which the stage takes no promotion.",
    ["from", "to", "reason"],
    from_=said(_TIME, "A date, or a date and time."),
    to=said(_TIME, "A date, which belongs to the window, or a date and time, at which it ends."),
    reason={"type": "string", "description": "Why.", "minLength": 1, "maxLength": 500},
    timezone={
        "type": "string",
        "description": "IANA name, such as Europe/Berlin.",
        "format": "podium-timezone",
        "default": "UTC",
    },
)
_STAGE = object_of(
    "A stage and what a version must show to hold it.",
    ["name"],
    name=said(_ALIAS, "The stage, such as production."),
    from_=said(_ALIAS, "A stage that the version holds or has held before this one."),
    checks=list_of("Checks that must have passed on this very digest.", {"anyOf": [LABEL, _CHECK]}),
    metrics=list_of(
        "Expressions such as accuracy >= production.accuracy - 0.005.",
        {"type": "string", "minLength": 1, "maxLength": 1000},
    ),
    approvals=_APPROVALS,
    freeze=list_of("When the stage takes no promotion.", _FREEZE),
    plugins=list_of("Gate plugins that must be there and have no objection.", {"type": "string", "minLength": 1}),
    archive_as=said(_ALIAS, "An alias that whoever loses the stage gets."),
)
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Podium policy",
    **object_of(
        "The stages of registered models, in the order in which a version passes them.",
        ["stages"],
        stages=list_of("At least one.", _STAGE, minItems=1, maxItems=50),
    ),
}


def schema_text() -> str:
    """Return the schema as its file has it."""
    return json.dumps(SCHEMA, indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
