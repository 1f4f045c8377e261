"""Which aliases are stages by the policies in force: marked on each change, never without a word where one is held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.policies import DEFAULT_POLICY, Policy
from podium.errors import InvalidValueError
from podium.sql import tables as t
from podium.usecases.governed import chunks
from podium.usecases.policies import fits, policy_in_force
from podium.usecases.unit import Stream, Unit

_A, _C, _P = t.aliases.c, t.collections.c, t.policies.c
_AGREE = "; that is on record"
_WITH = (" or take their holders over with adopt=True (--adopt)", " or give them up with release=True (--release)")
_RENAME = "; or give the model a policy of its own before its new name"


@dataclass(frozen=True, slots=True)
class Held:
    """An alias that somebody holds and that becomes a stage, or is one no more.

    Attributes:
        model: The id of the model.
        stage: The alias.
        number: The version that holds it.
    """

    model: UUID
    stage: str
    number: int


@dataclass(slots=True)
class StageChanges:
    """What a change of the policies in force makes of the aliases that are held.

    Attributes:
        adopted: Aliases that become stages, although no gate was asked.
        released: Stages that are plain aliases from then on, which anybody may set.
    """

    adopted: list[Held] = field(default_factory=list)
    released: list[Held] = field(default_factory=list)

    @property
    def models(self) -> set[UUID]:
        """The ids of the models in question."""
        return {held.model for held in (*self.adopted, *self.released)}

    def facts(self, rows: Mapping[UUID, Any]) -> dict[str, Any]:
        """Return what the event of the policy says of them."""
        found = {"adopted": self.adopted, "released": self.released}
        return {
            word: [
                {"model": _ref(rows[held.model]), "stage": held.stage, "number": held.number} for held in in_order(some)
            ]
            for word, some in found.items()
            if some
        }


def policies_in_force(unit: Unit, space_id: UUID, ids: Sequence[UUID]) -> dict[UUID, UUID | None]:
    """Return model to the row of the policy in force there, None where it is Podium's own."""
    first = (
        sa.select(_P.id)
        .where(_P.namespace_id == space_id, _P.current, fits(_C.id, _C.name_key))
        .order_by(_P.weight.desc(), _P.revision.desc())
        .limit(1)
        .correlate(t.collections)
        .scalar_subquery()
    )
    found: dict[UUID, UUID | None] = {}
    for some in chunks(ids):
        query = sa.select(_C.id, first.label("policy")).where(_C.id.in_(some))
        found |= {row.id: row.policy for row in unit.connection.execute(query)}
    return found


def mark_stages(unit: Unit, in_force: Mapping[UUID, UUID | None], apart: Collection[UUID] = ()) -> StageChanges:
    """Mark which aliases of locked models are stages, and return what changes for those who hold one.

    Args:
        unit: The unit.
        in_force: Model to the row of its policy.
        apart: Models of which nothing is told: they come with their stages as they are.
    """
    governed: defaultdict[UUID | None, list[UUID]] = defaultdict(list)
    for key, policy in in_force.items():
        governed[policy].append(key)
    changes = StageChanges()
    for policy, models in governed.items():
        named = _A.name.in_(_names(unit, policy))
        for some in chunks(models):
            other = sa.or_(sa.and_(named, ~_A.stage), sa.and_(~named, _A.stage))
            query = sa.select(_A.collection_id, _A.name, _A.number, _A.stage).where(_A.collection_id.in_(some), other)
            for row in unit.connection.execute(query):
                if row.collection_id not in apart:
                    found = changes.released if row.stage else changes.adopted
                    found.append(Held(row.collection_id, row.name, row.number))
            unit.connection.execute(sa.update(t.aliases).where(_A.collection_id.in_(some)).values(stage=named))
    return changes


def require_consent(rows: Mapping[UUID, Any], changes: StageChanges, *, adopt: bool, release: bool) -> None:
    """Refuse what somebody has to say yes to and did not.

    Args:
        rows: The models.
        changes: What becomes of their stages.
        adopt: Whether aliases may become stages.
        release: Whether stages may become plain aliases.

    Raises:
        InvalidValueError: Something would change that was not agreed to; ``adopts`` and ``releases`` say what.
    """
    _refuse(rows, [] if adopt else changes.adopted, [] if release else changes.released, _WITH, _AGREE)


def follow_name(unit: Unit, row: Any) -> None:
    """Mark the stages of one locked model by what is for its new name.

    Args:
        unit: The unit.
        row: Of the model, with the name that it has by now.

    Raises:
        InvalidValueError: Somebody holds what would become a stage, or would be none any more.
    """
    changes = mark_stages(unit, policies_in_force(unit, row.namespace_id, [row.id]))
    _refuse({row.id: row}, changes.adopted, changes.released, ("", ""), _RENAME)


def record_changes(
    unit: Unit, rows: Mapping[UUID, Any], streams: Mapping[UUID, Stream], changes: StageChanges, reason: str | None
) -> None:
    """Tell in the stream of each model which stages it got, and lost, by a policy."""
    for event, some in (("stage.adopted", changes.adopted), ("stage.released", changes.released)):
        for held in in_order(some):
            stream, policy = streams[held.model], policy_in_force(unit, rows[held.model])
            facts = {"stage": held.stage, "number": held.number, "policy": policy.to_json()}
            unit.record(stream, event, f"{stream.name}:v{held.number}", after=facts, reason=reason)


def in_order(some: Sequence[Held]) -> list[Held]:
    """Return them in the order in which events tell them."""
    return sorted(some, key=lambda held: (held.model, held.stage))


def _refuse(
    rows: Mapping[UUID, Any], adopted: Sequence[Held], released: Sequence[Held], ways: tuple[str, str], more: str
) -> None:
    if not adopted and not released:
        return
    adopts = sorted(f"{_ref(rows[held.model])}:v{held.number} as {held.stage!r}" for held in adopted)
    releases = sorted(f"{_ref(rows[held.model])}:v{held.number} holds {held.stage!r}" for held in released)
    said = [f"Aliases would become stages although no gate was asked: {_some(adopts)}."] if adopts else []
    said += [f"Stages would be plain aliases, which anybody may set: {_some(releases)}."] if releases else []
    hints = [f"remove those aliases first,{ways[0]}".rstrip(",")] if adopts else []
    hints += [f"demote those stages first,{ways[1]}".rstrip(",")] if releases else []
    hint = "; ".join(hints)
    raise InvalidValueError(
        " ".join(said), hint=f"{hint[0].upper()}{hint[1:]}{more}.", adopts=adopts, releases=releases
    )


def _some(named: Sequence[str]) -> str:
    return ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "")


def _ref(row: Any) -> str:
    return f"{row.namespace}/{row.name}"


def _names(unit: Unit, policy: UUID | None) -> tuple[str, ...]:
    if policy is None:
        return DEFAULT_POLICY.names
    body = unit.connection.execute(sa.select(_P.body).where(_P.id == policy)).scalar_one()
    return Policy.from_json(body).names
