"""Aliases: one holder each, moved by compare-and-set, with full history."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.names import LATEST, Reference, check_alias, check_label, parse_reference
from podium.domain.plain import check_text
from podium.domain.policies import Policy
from podium.domain.versions import AliasMove, MoveKind
from podium.errors import ConflictError, InvalidValueError, NotFoundError
from podium.sql import tables as t
from podium.sql.ids import new_id
from podium.sql.rows import to_move
from podium.sql.write import upsert
from podium.usecases.places import collection_reference, find_collection, stream_of
from podium.usecases.policies import IN_FORCE, effective_policy, policy_of
from podium.usecases.resolving import number_now, resolve_number
from podium.usecases.unit import Stream, Unit


class _Unset:
    """The type of `UNSET`: no expectation was given, which is not the same as expecting no holder."""

    def __repr__(self) -> str:
        return "UNSET"


_VERSION = re.compile(r"v?(\d{1,18})", re.ASCII)
UNSET = _Unset()
Expected = str | int | None | _Unset


@dataclass(frozen=True, slots=True)
class SetAlias:
    """Give an alias to a version.

    Attributes:
        ref: The version.
        alias: The alias.
        expected: The version that holds it now (``"v3"``, 3, or None for nobody); leave it out to move it anyhow.
        reason: Why.
    """

    ref: str
    alias: str
    expected: Expected = UNSET
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RemoveAlias:
    """Take an alias away from whatever holds it.

    Attributes:
        collection: The artifact or model.
        alias: The alias.
        expected: As for `SetAlias`.
        reason: Why.
    """

    collection: str
    alias: str
    expected: Expected = UNSET
    reason: str | None = None


def set_alias(unit: Unit, command: SetAlias) -> AliasMove:
    """Move an alias to a version.

    Raises:
        ConflictError: Another version than the expected one holds it; ``holder`` says which.
        InvalidNameError: It looks like a version number or is ``latest``.
        InvalidValueError: It is a stage, which only a promotion moves.
        NotFoundError: The reference names nothing.
    """
    check_alias(command.alias)
    check_text(command.reason, "The reason")
    ref = parse_reference(command.ref)
    row = find_collection(unit, ref, lock=True)
    standing = _look(unit, row, ref, command.alias)
    _refuse_stages(row, policy_of(standing.policy), [command.alias])
    number = standing.number if standing.number is not None else resolve_number(unit, ref, row.id)  # says what is wrong
    _require(standing.holder, Reference(ref.namespace, ref.name, command.alias), command.expected)
    return _move(unit, stream_of(row), standing, command.alias, number, "set", command.reason)


def remove_alias(unit: Unit, command: RemoveAlias) -> AliasMove:
    """Take an alias away.

    Raises:
        ConflictError, InvalidNameError, InvalidValueError: As `set_alias`.
        NotFoundError: Nothing holds it.
    """
    check_alias(command.alias)
    check_text(command.reason, "The reason")
    ref = collection_reference(command.collection)
    row = find_collection(unit, ref, lock=True)
    refuse_stages(unit, row, [command.alias])
    require_holder(unit, row.id, Reference(ref.namespace, ref.name, command.alias), command.expected)
    if holder_of(unit, row.id, command.alias) is None:
        raise NotFoundError(
            f"{ref.collection} has no alias {command.alias!r}.",
            hint="'podium show' lists its aliases.",
            alias=command.alias,
        )
    return move_alias(unit, stream_of(row), command.alias, None, "removed", command.reason)


def move_alias(
    unit: Unit, stream: Stream, alias: str, number: int | None, kind: MoveKind, reason: str | None = None
) -> AliasMove:
    """Write the move of an alias in a locked collection; nothing is written if it stands there already.

    Stages get their events from the promotion; other aliases get theirs here.
    """
    standing = unit.connection.execute(_STANDING, {"collection": stream.id, "alias": alias}).one()
    return _move(unit, stream, standing, alias, number, kind, reason)


def _move(
    unit: Unit, stream: Stream, standing: Any, alias: str, number: int | None, kind: MoveKind, reason: str | None
) -> AliasMove:
    before = standing.holder
    move = AliasMove(
        stream.name, alias, kind, before, number, unit.now, unit.actor, unit.origin, reason, before != number
    )
    if not move.changed:
        return move
    if number is None:
        a = t.aliases.c
        unit.connection.execute(sa.delete(t.aliases).where(a.collection_id == stream.id, a.name == alias))
    else:
        stage = kind in ("promoted", "rolled_back")
        row = {"collection_id": stream.id, "name": alias, "number": number, "stage": stage}
        upsert(unit.connection, t.aliases, [row])
    _insert_move(unit, stream.id, move, (standing.revision or 0) + 1)
    if kind in ("set", "removed"):
        event = "alias.set" if kind == "set" else "alias.removed"
        subject = f"{stream.name}:{alias}"
        facts = ({"alias": alias, "number": before}, {"alias": alias, "number": number})
        unit.record(stream, event, subject, before=facts[0], after=facts[1], reason=reason)
    return move


_A, _M = t.aliases.c, t.alias_moves.c
_HOLDER = sa.select(_A.number).where(
    _A.collection_id == sa.bindparam("collection", type_=sa.Uuid()), _A.name == sa.bindparam("alias")
)
_REVISION = sa.select(sa.func.max(_M.revision)).where(
    _M.collection_id == sa.bindparam("collection", type_=sa.Uuid()), _M.name == sa.bindparam("alias")
)
_STANDING = sa.select(_HOLDER.scalar_subquery().label("holder"), _REVISION.scalar_subquery().label("revision"))


@functools.cache
def _standing_and(number: sa.Select[Any]) -> sa.Select[Any]:
    """Return the statement that reads at once, in a locked collection, all that moving an alias has to know."""
    named, policy = number.scalar_subquery(), IN_FORCE.scalar_subquery()
    return _STANDING.add_columns(named.label("number"), policy.label("policy"))


def _look(unit: Unit, row: Any, ref: Reference, alias: str) -> Any:
    keys = {"collection": row.id, "space": row.namespace_id, "alias": alias, "selector": ref.selector}
    return unit.connection.execute(_standing_and(number_now(ref)), keys | {"number": ref.number}).one()


def _insert_move(unit: Unit, collection_id: UUID, move: AliasMove, revision: int) -> None:
    unit.add(
        t.alias_moves,
        id=new_id(),
        collection_id=collection_id,
        name=move.alias,
        revision=revision,
        kind=move.kind,
        before=move.before,
        after=move.after,
        reason=move.reason,
        origin=unit.plain_origin,
        **unit.who,
    )


def holder_of(unit: Unit, collection_id: UUID, alias: str) -> int | None:
    """Return the version number that holds an alias, or None."""
    number: int | None = unit.connection.execute(_HOLDER, {"collection": collection_id, "alias": alias}).scalar()
    return number


def require_holder(unit: Unit, collection_id: UUID, alias: Reference, expected: Expected) -> None:
    """Compare the holder of an alias with what the caller expects.

    Raises:
        ConflictError: They differ; ``holder`` is the version that holds it, or None.
        InvalidValueError: The expectation is no version.
    """
    if not isinstance(expected, _Unset):
        _require(holder_of(unit, collection_id, alias.selector), alias, expected)


def _require(holder: int | None, alias: Reference, expected: Expected) -> None:
    if isinstance(expected, _Unset):
        return
    wanted = _number(expected, alias.collection)
    if holder != wanted:
        says = f"v{holder}" if holder is not None else "nothing"
        thought = f"v{wanted}" if wanted is not None else "nothing"
        raise ConflictError(
            f"{alias} is {says}, not {thought} as expected.",
            hint="Look at what changed ('podium history'), then decide again.",
            holder=f"v{holder}" if holder is not None else None,
            expected=f"v{wanted}" if wanted is not None else None,
        )


def refuse_stages(unit: Unit, row: Any, aliases: Iterable[str]) -> None:
    """Keep stages out of the hands of `set_alias`.

    Raises:
        InvalidValueError: One of the aliases is a stage of this model.
    """
    if row.kind == "model":
        _refuse_stages(row, effective_policy(unit, row.namespace_id, row.id), aliases)


def _refuse_stages(row: Any, policy: Policy, aliases: Iterable[str]) -> None:
    for alias in aliases:
        if row.kind == "model" and alias in policy.names:
            raise InvalidValueError(
                f"{alias!r} is a stage of {row.namespace}/{row.name}; only a promotion moves it.",
                hint=f"Use 'podium promote REF --to {alias}' or registry.promote(ref, to={alias!r}).",
                stage=alias,
            )


def free_aliases(aliases: Iterable[str]) -> list[str]:
    """Return aliases once each, without ``latest``, which comes by itself."""
    return [alias for alias in dict.fromkeys(aliases) if alias != LATEST]


def list_moves(unit: Unit, collection: str, alias: str | None = None) -> list[AliasMove]:
    """Return every move of the aliases and stages of a collection, oldest first.

    Raises:
        InvalidNameError: The alias breaks the rules.
        NotFoundError: There is no such collection.
    """
    ref = collection_reference(collection)
    if alias is not None:
        check_label(alias, "alias")
    row = find_collection(unit, ref, deleted=True)
    return moves_of(unit, row.id, ref.collection, alias)


def moves_of(unit: Unit, collection_id: UUID, collection: str, alias: str | None = None) -> list[AliasMove]:
    """Return the moves in a collection, oldest first."""
    m = t.alias_moves.c
    query = sa.select(t.alias_moves).where(m.collection_id == collection_id).order_by(m.created_at, m.id)
    if alias is not None:
        query = sa.select(t.alias_moves).where(m.collection_id == collection_id, m.name == alias).order_by(m.revision)
    return [to_move(row, collection) for row in unit.connection.execute(query)]


def _number(expected: str | int | None, collection: str) -> int | None:
    if expected is None or (isinstance(expected, int) and not isinstance(expected, bool) and expected >= 0):
        return expected
    place, colon, number = expected.rpartition(":") if isinstance(expected, str) else ("", "", "")
    match = _VERSION.fullmatch(number)
    if match is None or (colon and place != collection):
        raise InvalidValueError(
            f"{expected!r} is not a version of {collection}.", hint="Pass 'v3', 3, or None for nobody."
        )
    return int(match[1])
