"""Requests that wait for people: finding the one that is meant, and telling what is missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import click

from podium.cli.audit import utc_text
from podium.cli.gates import print_gates
from podium.cli.output import print_pairs, say, shell_word
from podium.domain.transitions import person_key
from podium.errors import InvalidValueError, NotFoundError

if TYPE_CHECKING:
    from rich.text import Text

    from podium.domain.gates import GateResult
    from podium.domain.transitions import Approval, Transition
    from podium.registry import Registry

_SHORT = 13  # characters of an id that say its millisecond: no two requests of one registry are likely to share them
_DIGITS = 12  # hexadecimal digits among them; fewer name a span of time, and whatever was asked in it


def find_request(registry: Registry, what: str, stage: str | None) -> tuple[str, str | None]:
    """Return what the registry takes for a request that somebody names.

    Args:
        registry: The registry.
        what: An id, the beginning of one, or the version that is asked for.
        stage: The stage, if one was named; needed only where several of one version wait.

    Returns:
        The id and None, or the version and the stage.

    Raises:
        click.UsageError: A stage beside an id.
        InvalidValueError: Several requests might be meant, or too little of an id is given.
        NotFoundError: None is.
    """
    if "/" in what:
        return what, stage if stage is not None else _only_stage(registry, what)
    if stage is not None:
        raise click.UsageError("--stage goes with a version, not with an id.", click.get_current_context())
    return full_id(registry, what), None


def full_id(registry: Registry, text: str) -> str:
    """Return the whole id of a request, of which the beginning is enough; what is none at all is returned as it is.

    The beginning has to tell it from every attempt that ever was, decided ones too: what somebody noted of one request
    must never approve another.

    Raises:
        InvalidValueError: Several begin so, or it is too short to name one.
    """
    digits = text.lower().replace("-", "")
    if _is_id(text) or not re.fullmatch(r"[0-9a-f]+", digits):
        return text
    found = [made for made in registry.list_requests(status=None) if made.id.replace("-", "").startswith(digits)]
    if not found:
        return text
    if len(found) == 1 and len(digits) >= _DIGITS:
        return found[0].id
    newest = [f"{made.id} ({made.ref} for {made.stage!r}, {made.status})" for made in reversed(found)]
    some = "; ".join(newest[:5]) + (f"; and {len(found) - 5} more" if len(found) > 5 else "")
    words = f"{text!r} is too short to name a request"
    if len(digits) >= _DIGITS:
        words = f"{len(found)} requests begin with {text!r}"
    raise InvalidValueError(
        f"{words}.",
        hint=f"Give the whole id, or {_DIGITS} digits of it that no other has: {some}.",
        ids=[made.id for made in found],
    )


def short_ids(requests: Sequence[Transition]) -> dict[str, str]:
    """Return id to as much of it as tells the requests apart."""
    length = _SHORT
    while len({made.id[:length] for made in requests}) < len({made.id for made in requests}):
        length += 5
    return {made.id: made.id[:length] for made in requests}


def say_pending(registry: Registry, made: Transition) -> None:
    """Tell what a request waits for, who may give it and how, and until when."""
    waiting = [gate for gate in made.gates if gate.verdict == "pending"]
    rows: list[tuple[str, str | Text]] = [("Missing", gate.reason) for gate in waiting]
    rows += [("May approve", who) for gate in waiting if (who := may_approve(registry, made, gate))]
    rows += [("Until", f"{utc_text(made.expires_at)} UTC")] if made.expires_at else []
    print_pairs(rows)
    # Lines of their own, which no table breaks: they are there to be copied.
    say(f"podium approve {made.id}")
    say(f"podium reject {made.id} --comment WHY")


def say_request(made: Transition) -> None:
    """Print everything about one attempt to move a stage."""
    policy = made.policy or {}
    revision = f", revision {policy['revision']}" if policy.get("revision") is not None else ""
    rows: list[tuple[str, str | Text]] = [
        ("Request", made.id),
        ("Version", made.ref),
        ("Stage", f"{made.stage}, held by {_holder(made)} when it was asked"),
        ("Status", made.status + (", forced" if made.forced else "")),
        ("Asked", f"{utc_text(made.at)} UTC by {made.actor} from {made.origin.label}"),
        ("Why", made.reason or "not said"),
        ("Digest", made.digest),
        ("Policy", f"{policy.get('target', 'not recorded')}{revision}"),
    ]
    rows += [("Expires", f"{utc_text(made.expires_at)} UTC")] if made.expires_at else []
    rows += [("Ended", f"{utc_text(made.ended_at)} UTC by {made.ended_by}")] if made.ended_at else []
    rows += [("Outcome", made.outcome)] if made.outcome else []
    print_pairs(rows)
    if made.gates:
        say("Gates")
        print_gates(made.gates, facts=True, indent=2)
    if made.approvals:
        say("Said")
        print_pairs([(utc_text(word.at), _word(word)) for word in made.approvals], indent=2)


def may_approve(registry: Registry, made: Transition, gate: GateResult) -> str:
    """Say who may approve a request, by the roles that there are now."""
    if gate.kind != "approvals":
        return ""
    besides = "; not who asked, nor who logged the version" if gate.facts.get("not_author", True) else ""
    roles = list(gate.facts.get("roles", ()))
    if not roles:
        return f"anybody{besides}"
    space = made.collection.partition("/")[0]
    asker = person_key(made.actor) if besides else None
    having = [grant for grant in registry.list_roles(space) if grant.role in roles]
    people = [f"{grant.person} ({grant.role})" for grant in having if person_key(grant.person) != asker]
    if not people:
        grant = f"podium role grant {shell_word(space)} PERSON {shell_word(roles[0])}"
        who = "only who asked" if having else "nobody"
        return f"nobody yet: {who} has the role {' or '.join(roles)}; {grant}"
    more = f" and {len(people) - 10} more" if len(people) > 10 else ""
    return ", ".join(people[:10]) + more + besides


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _only_stage(registry: Registry, ref: str) -> str:
    """Return the stage that a version is asked for, if it is one; of decided ones the newest."""
    version = registry.resolve(ref)
    asked = [made for made in registry.list_requests(version.collection, status=None) if made.number == version.number]
    waiting = [made for made in asked if made.status == "pending"]
    if len(waiting) > 1:
        stages = ", ".join(made.stage for made in waiting)
        raise InvalidValueError(f"{version.ref} is asked for several stages: {stages}.", hint="Name one with --stage.")
    found = waiting or [made for made in asked if made.ended_at is not None][-1:]
    if found:
        return found[0].stage
    others = registry.list_requests(version.collection)
    there = ", ".join(f"v{made.number} for {made.stage!r}" for made in others)
    raise NotFoundError(
        f"Nobody asked for a stage for {version.ref} that needs approvals.",
        hint=f"These wait: {there}." if others else f"Nothing of {version.collection} waits; see 'podium requests ls'.",
        ref=version.ref,
    )


def _holder(made: Transition) -> str:
    return f"v{made.before}" if made.before is not None else "nobody"


def _word(word: Approval) -> str:
    told = f" (told by {word.actor} from {word.origin.label})" if word.actor != word.person else ""
    return f"{word.person} {word.decision}{told}{': ' + word.comment if word.comment else ''}"
