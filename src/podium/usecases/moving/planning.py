"""Deciding what an import changes, and refusing what cannot be brought together, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.bundle import Moved
from podium.domain.bundle_check import Record
from podium.errors import ConflictError
from podium.sql import tables as t
from podium.usecases.access import require_admin
from podium.usecases.moving.comparing import Records, Standing, compare_streams, find_rows
from podium.usecases.moving.scope import chunks
from podium.usecases.places import MODEL_REGISTRY
from podium.usecases.unit import Unit


@dataclass
class Plan:
    """What an import changes.

    Attributes:
        spaces: Namespace of the bundle to the one here.
        accepts: What registries here accept, by their ids in the bundle; every type where nothing stands.
        registries: The rows of registries that are here, by their ids in the bundle.
        active_spaces: Those that get events, with the sequence of the last event that they have.
        new_spaces: Names of those that are made.
        active: Collections that get events, with the sequence of the last event that they have.
        new: Those of them that are made.
        moved: Every collection of the bundle.
        new_runs: Runs that are made.
        forward_runs: Runs that are here, and of which the bundle knows more.
        left_runs: How many runs are as they are in the bundle, or further.
        edges: Lineage edges that are new.
        notes: What is worth knowing.
    """

    spaces: dict[UUID, UUID] = field(default_factory=dict)
    accepts: dict[UUID, list[str]] = field(default_factory=dict)
    registries: dict[UUID, Any] = field(default_factory=dict)
    active_spaces: dict[UUID, int] = field(default_factory=dict)
    new_spaces: list[str] = field(default_factory=list)
    active: dict[UUID, int] = field(default_factory=dict)
    new: set[UUID] = field(default_factory=set)
    moved: list[Moved] = field(default_factory=list)
    new_runs: set[str] = field(default_factory=set)
    forward_runs: set[str] = field(default_factory=set)
    left_runs: int = 0
    edges: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def active_runs(self) -> set[str]:
        """Runs that are written."""
        return self.new_runs | self.forward_runs

    @property
    def changed(self) -> bool:
        """Whether anything is written at all."""
        return bool(self.active_spaces or self.new_spaces or self.active or self.active_runs or self.edges)


def plan_import(unit: Unit, records: Records, *, lock: bool = False) -> Plan:
    """Compare a bundle with what is here.

    Args:
        unit: The unit.
        records: The bundle.
        lock: Whether this unit is about to write: then what is here cannot change meanwhile.

    Raises:
        ConflictError: Something here has the same name and is another thing, or went another way.
        PermissionDeniedError: A registry here that changes has admins, and the actor is none: an import moves stages
            past their gates.
    """
    plan = Plan()
    spaces = list(records("namespaces"))
    conflicts = _plan_spaces(unit, records, plan, spaces, lock=lock)
    conflicts += _plan_collections(unit, records, plan, spaces, lock=lock)
    conflicts += _plan_runs(unit, records, plan)
    if not conflicts:
        conflicts += [*_gone_here(unit, records, plan), *_linked_here(unit, records, plan)]
    if conflicts:
        more = f" ({len(conflicts) - 1} more like it.)" if len(conflicts) > 1 else ""
        raise ConflictError(
            conflicts[0][0] + more,
            hint="Nothing was changed. Rename or delete what is here if the bundle shall win, or export less.",
            holder=conflicts[0][1],
            expected=conflicts[0][2],
            conflicts=[text for text, _, _ in conflicts],
        )
    changing = {record["namespace_id"] for record in records("collections") if record["id"] in plan.active}
    for space, row in plan.registries.items():
        if space in changing or row.id in plan.active_spaces:
            require_admin(unit, row, "import models")
    plan.edges = _count_edges(unit, records)
    return plan


_Conflict = tuple[str, str | None, str | None]


def _plan_spaces(unit: Unit, records: Records, plan: Plan, spaces: list[Record], *, lock: bool) -> list[_Conflict]:
    n = t.namespaces.c
    by_id = find_rows(unit, t.namespaces, [record["id"] for record in spaces], lock=lock)
    named: dict[str, Any] = {}
    for some in chunks(record["name"] for record in spaces):
        query = sa.select(t.namespaces).where(n.name.in_(some)).order_by(n.id)
        named |= {row.name: row for row in unit.connection.execute(query.with_for_update() if lock else query)}
    standings = compare_streams(unit, records, spaces, by_id)
    conflicts: list[_Conflict] = []
    for record in spaces:
        conflicts += _plan_space(plan, record, named.get(record["name"]), standings[record["id"]])
    return conflicts


def _plan_space(plan: Plan, record: Record, here: Any, standing: Standing) -> list[_Conflict]:
    name, kind = record["name"], record["kind"]
    if here is None and standing.state == "new":
        plan.spaces[record["id"]] = record["id"]
        plan.active_spaces[record["id"]] = 0
        plan.new_spaces.append(name)
        return []
    if here is None:
        return [(f"The {kind} {name!r} of the bundle has another name here.", standing.head, record["head"])]
    if here.kind != kind:
        return [(f"{name!r} is a {kind} in the bundle and a {here.kind} here.", here.head, record["head"])]
    plan.spaces[record["id"]] = here.id
    if kind == "registry":
        plan.registries[record["id"]] = here
    types = record["types"] if standing.state == "forward" and name != MODEL_REGISTRY else here.types
    if types is not None:
        plan.accepts[record["id"]] = types
    if standing.state == "forward" and name != MODEL_REGISTRY:  # its stream tells of subscriptions, which do not move
        plan.active_spaces[here.id] = standing.sequence
    elif kind == "registry" and record["sequence"] and standing.state not in ("same", "ahead"):
        plan.notes.append(
            f"The registry {name!r} is one of its own here: its description, what it accepts and its default policy "
            "stay as they are."
        )
    return []


def _plan_collections(
    unit: Unit, records: Records, plan: Plan, spaces: Iterable[Record], *, lock: bool
) -> list[_Conflict]:
    wanted = list(records("collections"))
    names = {space["id"]: space["name"] for space in spaces}
    rows = find_rows(unit, t.collections, [record["id"] for record in wanted], lock=lock)
    standings = compare_streams(unit, records, wanted, rows)
    conflicts: list[_Conflict] = []
    for record in wanted:
        standing = standings[record["id"]]
        ref = f"{names[record['namespace_id']]}/{record['name']}"
        events = 0
        if standing.state == "diverged" or standing.namespace_id not in (None, plan.spaces.get(record["namespace_id"])):
            conflicts.append(_diverged(ref, record, standing))
        elif standing.state in ("new", "forward"):
            plan.active[record["id"]] = standing.sequence
            events = record["sequence"] - standing.sequence
            if standing.state == "new":
                plan.new.add(record["id"])
                conflicts += _not_accepted(plan, ref, record)
        plan.moved.append(Moved(ref, record["kind"], standing.state, record["live"], events, record["head"]))
    plan.moved.sort(key=lambda item: item.ref)
    fresh = [record for record in wanted if record["id"] in plan.active]
    fresh = [record for record in fresh if standings[record["id"]].name_key != record["name_key"]]
    conflicts += _taken_names(
        unit, plan, names, fresh, held=plan.active.keys(), left={record["id"] for record in wanted}
    )
    return conflicts + _taken_former_names(unit, records, plan, names, wanted)


def _taken_former_names(
    unit: Unit, records: Records, plan: Plan, spaces: Mapping[UUID, str], wanted: Iterable[Record]
) -> list[_Conflict]:
    """Find collections here that have a name which one of the bundle gave up: it must lead to that one only."""
    known = {record["id"]: record for record in wanted}
    former = [
        {**known[name["collection_id"]], "name_key": name["name_key"]}
        for name in records("former_names")
        if name["collection_id"] in plan.active
    ]
    return _taken_names(unit, plan, spaces, former, held=known.keys(), left=known.keys())


def _taken_names(
    unit: Unit, plan: Plan, spaces: Mapping[UUID, str], wanted: list[Record], *, held: Set[UUID], left: Set[UUID]
) -> list[_Conflict]:
    """Find collections here that have, or gave up, a name that the bundle brings.

    Args:
        unit: The unit.
        plan: What is known so far.
        spaces: Names of the namespaces of the bundle.
        wanted: Collections with the names that they bring.
        held: Those that may have such a name here: they give it up, or the bundle knows of it.
        left: Those that may have given it up.
    """
    c, f = t.collections.c, t.former_names.c
    have = sa.select(c.namespace_id, c.name_key, c.id, c.sequence, c.head)
    gave_up = sa.select(f.namespace_id, f.name_key, f.collection_id, c.sequence, c.head).join(
        t.collections, c.id == f.collection_id
    )
    conflicts: list[_Conflict] = []
    for some in chunks(wanted):
        named = {(plan.spaces.get(record["namespace_id"]), record["name_key"]): record for record in some}
        keys = [key for _, key in named]
        for query, key, spared in ((have, c.name_key, held), (gave_up, f.name_key, left)):
            for space, name_key, found, sequence, head in unit.connection.execute(query.where(key.in_(keys))):
                record = named.get((space, name_key))
                if record is not None and found != record["id"] and found not in spared:
                    ref = f"{spaces[record['namespace_id']]}/{name_key}"
                    conflicts.append(_other(ref, record, sequence, head, former=query is gave_up))
    return conflicts


def _plan_runs(unit: Unit, records: Records, plan: Plan) -> list[_Conflict]:
    r = t.runs.c
    query = sa.select(r.id, r.namespace_id, r.created_at, r.heartbeat_at, r.finished_at)
    conflicts: list[_Conflict] = []
    for some in chunks(records("runs"), 100):  # each names every package that was installed
        found = unit.connection.execute(query.where(r.id.in_([record["id"] for record in some])))
        rows = {row.id: row for row in found}
        for record in some:
            row = rows.get(record["id"])
            if row is None:
                plan.new_runs.add(record["id"])
            elif (row.created_at, row.namespace_id) != (record["created_at"], plan.spaces.get(record["namespace_id"])):
                conflicts.append((f"The run {record['id']!r} here is another one than the bundle's.", None, None))
            elif _last_sign(record) > _last_sign(row._mapping):
                plan.forward_runs.add(record["id"])
            else:
                plan.left_runs += 1
    return conflicts


def _last_sign(run: Mapping[Any, Any]) -> Any:
    """Return when a run last did anything; each thing that it logs is a sign of life."""
    return max(run[name] for name in ("created_at", "heartbeat_at", "finished_at") if run[name] is not None)


def _count_edges(unit: Unit, records: Records) -> int:
    e, missing = t.run_versions.c, 0
    for some in chunks(records("run_versions")):
        wanted = {(edge["run_id"], edge["version_id"], edge["direction"]) for edge in some}
        runs = sorted({edge["run_id"] for edge in some})
        query = sa.select(e.run_id, e.version_id, e.direction).where(
            e.run_id.in_(runs), e.version_id.in_({edge["version_id"] for edge in some})
        )
        missing += len(wanted - {tuple(row) for row in unit.connection.execute(query)})
    return missing


def _gone_here(unit: Unit, records: Records, plan: Plan) -> list[_Conflict]:
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
        (f"{ref}, which a model of the bundle points at, was deleted here.", head, None)
        for some in chunks(links)
        for ref, head, found in unit.connection.execute(query.where(v.id.in_(some)))
        if found not in plan.active
    ]


def _linked_here(unit: Unit, records: Records, plan: Plan) -> list[_Conflict]:
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
        (f"{ref} points at a version that was deleted where the bundle comes from.", head, None)
        for some in chunks(deleted)
        for ref, head, found in unit.connection.execute(query.where(m.version_id.in_(some)))
        if found not in forward
    ]


def _not_accepted(plan: Plan, ref: str, record: Record) -> list[_Conflict]:
    accepted = plan.accepts.get(record["namespace_id"])
    if accepted is None or record["type"] in accepted:
        return []
    return [(f"{ref} holds versions of type {record['type']}; its registry here accepts {accepted}.", None, None)]


def _diverged(ref: str, record: Record, standing: Standing) -> _Conflict:
    return (
        f"{ref} went two ways: its audit head is {standing.head} (event {standing.sequence}) here and "
        f"{record['head']} (event {record['sequence']}) in the bundle.",
        standing.head,
        record["head"],
    )


def _other(ref: str, record: Record, sequence: int, head: str, *, former: bool) -> _Conflict:
    what = "was the name of another one before" if former else "is another one"
    return (
        f"{ref} {what} here: its audit head is {head} (event {sequence}) here and {record['head']} "
        f"(event {record['sequence']}) in the bundle.",
        head,
        record["head"],
    )
