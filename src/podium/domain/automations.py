"""Automations: who acts, from where, after which others, and what the templates of a setting may say of an event.

A chain of automations is known by the details of the origin of a change: those that led to it, the first one first.
Whatever an action starts hands the chain on, so that an event that comes of it does not start the same again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from podium.domain.events import Event
from podium.domain.origin import Origin
from podium.domain.plain import Value, iso

CHAIN = "automations"  # in the details of an origin
LONGEST_CHAIN = 8
REPORTS = ("automation.fired", "automation.failed")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# What `event_values` may give: the last line only of events that are about it.
EVENT_NAMES = frozenset(
    [
        *("id", "type", "at", "subject", "model", "registry", "name", "actor", "reason", "before", "after", "origin"),
        *("event", "number", "version", "ref", "stage", "alias", "metrics", "source"),
    ]
)


@dataclass(frozen=True, slots=True)
class AutomationTest(Value):
    """What an automation does, or would do, about one event.

    Attributes:
        automation: Its name.
        action: What it does.
        event: Id of the event.
        event_type: Its type.
        subject: What it is about.
        fires: Whether the event fires it; for a tried one, whether it would.
        why_not: Why it does not.
        settings: With the templates rendered; secrets as their references. Empty if a template fails.
        ran: Whether the action was run.
        receipt: What the action answered.
        error: What went wrong, in a template or in the action.
    """

    automation: str
    action: str
    event: str
    event_type: str
    subject: str
    fires: bool
    why_not: str | None
    settings: Mapping[str, Any]
    ran: bool = False
    receipt: str | None = None
    error: str | None = None


def chain_of(origin: Origin) -> tuple[str, ...]:
    """Return the automations that led to a call with this origin, the first one first."""
    return read_chain(origin.details.get(CHAIN))


def read_chain(given: object) -> tuple[str, ...]:
    """Return a chain that a host handed back; what is no list of names, or too long for one, is none."""
    names = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or len(names) > 2 * LONGEST_CHAIN:
        return ()
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and _NAME.fullmatch(name)))


def stopped_by(name: str, event: Event) -> str | None:
    """Return why an automation must not fire on an event that it wants, or None if it may."""
    chain = chain_of(event.origin)
    if name in chain:
        return f"It would go in circles: {' > '.join((*chain, name))}."
    if len(chain) >= LONGEST_CHAIN:
        return f"{LONGEST_CHAIN} automations led to this one after the other, and it is not fired: {' > '.join(chain)}."
    return None


def automation_actor(name: str) -> str:
    """Return who makes a change that an automation makes."""
    return f"automation {name}"


def automation_origin(delivery: str, name: str, event: Event) -> Origin:
    """Return where a change comes from that an automation makes; the same for each attempt of one delivery."""
    chain = list(dict.fromkeys([*chain_of(event.origin), name]))
    details = {"automation": name, "event": event.id, "stream": event.stream, "sequence": event.sequence}
    details |= {CHAIN: chain}
    return Origin("automation", f"automation {name}", event.origin.url, f"automation:{delivery}", details)


def handed_back(given: object) -> dict[str, Any]:
    """Return the details of an origin that were handed on by an action; empty if it is nothing of the kind."""
    if not isinstance(given, Mapping):
        return {}
    chain = read_chain(given.get(CHAIN))
    known = {key: given[key][:64] for key in ("automation", "event") if isinstance(given.get(key), str)}
    return {**known, CHAIN: list(chain)} if chain else {}


def event_values(event: Event) -> dict[str, Any]:
    """Return what a template may say of an event.

    ``registry`` is a project for an artifact. ``number``, ``version`` and ``ref`` are there if it is about a version,
    ``stage`` and ``alias`` if it is about one; whatever is not there fails the template, so that nobody acts on
    nothing.
    """
    space, _, name = event.stream.partition("/")
    number, before = event.after.get("number"), event.before
    if not isinstance(number, int):
        number = _number_in(event.subject)
    about = {key: event.after.get(key, before.get(key)) for key in ("stage", "alias", "metrics", "source")}
    if number is not None:
        about |= {"number": number, "version": f"v{number}", "ref": f"{event.stream}:v{number}"}
    return {
        "id": event.id,
        "type": event.type,
        "at": iso(event.at),
        "subject": event.subject,
        "model": event.stream,
        "registry": space,
        "name": name,
        "actor": event.actor,
        "reason": event.reason,
        "before": dict(before),
        "after": dict(event.after),
        "origin": {
            **event.origin.details,
            "kind": event.origin.kind,
            "label": event.origin.label,
            "url": event.origin.url,
        },
        "event": event.to_json(),
        **{key: value for key, value in about.items() if value is not None},
    }


def _number_in(subject: str) -> int | None:
    digits = subject.rpartition(":v")[2]
    return int(digits) if ":v" in subject and digits.isascii() and digits.isdigit() and len(digits) <= 18 else None
