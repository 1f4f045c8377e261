"""What an event is about and what it says of it, so that a repetition of the same news is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podium.domain.plain import canonical

# What an event may be about; the first that it has counts. A tag that is taken away stands in `before`.
_ABOUT = ("automation", "alias", "tag", "stage")
# What differs each time that the same is said. Gates are said by the reasons; their facts hold ages and times.
_VARYING = frozenset(
    {"asked", "attempts", "at", "delivery", "duration", "event", "freeze", "gates", "id", "run", "transition"}
)


def matter_of(subject: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, str]:
    """Return what an event is about in its collection, whatever its type: such as ``("stage", "production")``.

    Returns:
        ``automation``, ``alias``, ``tag`` or ``stage`` and its name, ``checks`` and their names as canonical JSON, or
        ``subject`` and the subject of what has none of these.
    """
    facts = {**before, **after}
    if names := check_names(after):
        return "checks", canonical(names)
    for key in _ABOUT:
        if isinstance(facts.get(key), str):
            return key, facts[key]
    return "subject", subject


def check_names(after: Mapping[str, Any]) -> list[str]:
    """Return the names of the checks that an event tells of, in order; none if it tells of none."""
    checks = after.get("checks")
    if not isinstance(checks, list):
        return []
    return sorted(str(check["name"]) for check in checks if isinstance(check, Mapping) and "name" in check)


def said_of(kind: str, subject: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return what an event says, without what differs each time: type, subject, what was and is, as canonical JSON."""
    return canonical({"type": kind, "subject": subject, "before": _lasting(before), "after": _lasting(after)})


def _lasting(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _lasting(item) for key, item in value.items() if not _varies(key)}
    return [_lasting(item) for item in value] if isinstance(value, list) else value


def _varies(key: str) -> bool:
    return key in _VARYING or key.endswith("_at")
