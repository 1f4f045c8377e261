"""Finding what stands in the way of an import: names that are taken, and versions that went on one side only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from uuid import UUID

import sqlalchemy as sa

from podium.domain.bundle_check import Record
from podium.sql import tables as t
from podium.usecases.moving.comparing import Records
from podium.usecases.moving.plan import RENAME, RESTORE, UNLINK, Conflict, Plan
from podium.usecases.moving.scope import chunks
from podium.usecases.unit import Unit


def taken_former_names(
    unit: Unit, records: Records, plan: Plan, spaces: Mapping[UUID, str], wanted: Iterable[Record]
) -> list[Conflict]:
    """Find collections here that gave up a name which one of the bundle gave up, too: it can lead to one of them only.

    One that has the name now is in nobody's way: a former name counts only where nothing has it.
    """
    known = {record["id"]: record for record in wanted}
    former = [
        {**known[name["collection_id"]], "name_key": name["name_key"]}
        for name in records("former_names")
        if name["collection_id"] in plan.active
    ]
    return taken_names(unit, plan, spaces, former, held=None, left=known.keys())


def taken_names(
    unit: Unit, plan: Plan, spaces: Mapping[UUID, str], wanted: list[Record], *, held: Set[UUID] | None, left: Set[UUID]
) -> list[Conflict]:
    """Find collections here that have, or gave up, a name that the bundle brings.

    Args:
        unit: The unit.
        plan: What is known so far.
        spaces: Names of the namespaces of the bundle.
        wanted: Collections with the names that they bring.
        held: Those that may have such a name here, because they give it up; None for all.
        left: Those that may have given it up.
    """
    c, f = t.collections.c, t.former_names.c
    have = sa.select(c.namespace_id, c.name_key, c.id, c.sequence, c.head)
    gave_up = sa.select(f.namespace_id, f.name_key, f.collection_id, c.sequence, c.head).join(
        t.collections, c.id == f.collection_id
    )
    conflicts: list[Conflict] = []
    for some in chunks(wanted):
        named = {(plan.spaces.get(record["namespace_id"]), record["name_key"]): record for record in some}
        keys = [key for _, key in named]
        for query, key, spared in ((have, c.name_key, held), (gave_up, f.name_key, left)):
            for space, name_key, found, sequence, head in unit.connection.execute(query.where(key.in_(keys))):
                record = named.get((space, name_key))
                if record is not None and found != record["id"] and spared is not None and found not in spared:
                    ref = f"{spaces[record['namespace_id']]}/{name_key}"
                    conflicts.append(_other(ref, record, sequence, head, former=query is gave_up))
    return conflicts


def gone_here(unit: Unit, records: Records, plan: Plan) -> list[Conflict]:
    """Find versions that a model of the bundle points at and that were deleted here since."""
    if all(item.state != "ahead" for item in plan.moved):
        return []
    v, c, n = t.versions.c, t.collections.c, t.namespaces.c
    links = (
        record["version_id"]
        for record in records("memberships")
        if record["collection_id"] in plan.active and record["deleted_at"] is None
    )
    query = (
        sa.select(n.name + "/" + c.name + ":v" + sa.cast(v.number, sa.String), c.head, c.id)
        .join(t.collections, c.id == v.collection_id)
        .join(t.namespaces, n.id == c.namespace_id)
        .where(v.deleted_at.is_not(None))
    )
    return [
        Conflict(f"{ref}, which a model of the bundle points at, was deleted here.", RESTORE, head)
        for some in chunks(links)
        for ref, head, found in unit.connection.execute(query.where(v.id.in_(some)))
        if found not in plan.active
    ]


def linked_here(unit: Unit, records: Records, plan: Plan) -> list[Conflict]:
    """Find models here that point at versions which the bundle says are deleted."""
    forward = plan.active.keys() - plan.new
    if not forward:
        return []
    m, c, n = t.memberships.c, t.collections.c, t.namespaces.c
    deleted = (
        record["id"]
        for record in records("versions")
        if record["collection_id"] in forward and record["deleted_at"] is not None
    )
    query = (
        sa.select(n.name + "/" + c.name + ":v" + sa.cast(m.number, sa.String), c.head, c.id)
        .join(t.collections, c.id == m.collection_id)
        .join(t.namespaces, n.id == c.namespace_id)
        .where(m.deleted_at.is_(None), c.kind == "model")
    )
    return [
        Conflict(f"{ref} points at a version that was deleted where the bundle comes from.", UNLINK, head)
        for some in chunks(deleted)
        for ref, head, found in unit.connection.execute(query.where(m.version_id.in_(some)))
        if found not in forward
    ]


def _other(ref: str, record: Record, sequence: int, head: str, *, former: bool) -> Conflict:
    what = "was the name of another one before" if former else "is another one"
    text = (
        f"{ref} {what} here: its audit head is {head} (event {sequence}) here and {record['head']} "
        f"(event {record['sequence']}) in the bundle."
    )
    return Conflict(text, RENAME, head, record["head"])
