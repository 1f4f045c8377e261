"""Deciding what an import changes, and refusing what cannot be brought together, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from podium.domain.bundle import Moved
from podium.domain.bundle_check import Record
from podium.errors import ConflictError
from podium.sql import tables as t
from podium.usecases.access import require_admin
from podium.usecases.moving.clashes import gone_here, linked_here, taken_former_names, taken_names
from podium.usecases.moving.comparing import Records, Standing, compare_streams, find_rows
from podium.usecases.moving.plan import ACCEPT, APART, Conflict, Plan
from podium.usecases.moving.rules import plan_rules
from podium.usecases.moving.scope import chunks
from podium.usecases.places import MODEL_REGISTRY
from podium.usecases.unit import Unit


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
        conflicts += [*gone_here(unit, records, plan), *linked_here(unit, records, plan)]
    if conflicts:
        more = f" ({len(conflicts) - 1} more like it.)" if len(conflicts) > 1 else ""
        raise ConflictError(
            conflicts[0].text + more,
            hint=f"Nothing was changed. {conflicts[0].hint}",
            holder=conflicts[0].here,
            expected=conflicts[0].there,
            conflicts=[conflict.text for conflict in conflicts],
        )
    changing = {record["namespace_id"] for record in records("collections") if record["id"] in plan.active}
    for space, row in plan.registries.items():
        if space in changing or row.id in plan.active_spaces:
            require_admin(unit, row, "import models")
    plan.edges = _count_edges(unit, records)
    plan_rules(unit, records, plan)
    return plan


def _plan_spaces(unit: Unit, records: Records, plan: Plan, spaces: list[Record], *, lock: bool) -> list[Conflict]:
    n = t.namespaces.c
    by_id = find_rows(unit, t.namespaces, [record["id"] for record in spaces], lock=lock)
    named: dict[str, Any] = {}
    for some in chunks(record["name"] for record in spaces):
        query = sa.select(t.namespaces).where(n.name.in_(some)).order_by(n.id)
        named |= {row.name: row for row in unit.connection.execute(query.with_for_update() if lock else query)}
    standings = compare_streams(unit, records, spaces, by_id)
    conflicts: list[Conflict] = []
    for record in spaces:
        conflicts += _plan_space(plan, record, named.get(record["name"]), standings[record["id"]])
    return conflicts


def _plan_space(plan: Plan, record: Record, here: Any, standing: Standing) -> list[Conflict]:
    name, kind = record["name"], record["kind"]
    if here is None and standing.state == "new":
        plan.spaces[record["id"]] = record["id"]
        plan.active_spaces[record["id"]] = 0
        plan.new_spaces.append(name)
        return []
    if here is None:
        text = f"The {kind} {name!r} of the bundle has another name here."
        return [Conflict(text, APART, standing.head, record["head"])]
    if here.kind != kind:
        text = f"{name!r} is a {kind} in the bundle and a {here.kind} here."
        return [Conflict(text, APART, here.head, record["head"])]
    plan.spaces[record["id"]] = here.id
    if kind == "registry":
        plan.registries[record["id"]] = here
    types = record["types"] if standing.state == "forward" and name != MODEL_REGISTRY else here.types
    if types is not None:
        plan.accepts[record["id"]] = types
    if standing.state == "forward" and name != MODEL_REGISTRY:  # its stream tells of subscriptions, which do not move
        plan.active_spaces[here.id] = standing.sequence
    elif kind == "registry" and standing.state not in ("same", "ahead"):
        plan.apart[record["id"]] = here
        if (record["description"], record["types"]) != (here.description, here.types):
            plan.notes.append(
                f"The registry {name!r} is one of its own here: its description and what it accepts stay as they are."
            )
    return []


def _plan_collections(
    unit: Unit, records: Records, plan: Plan, spaces: Iterable[Record], *, lock: bool
) -> list[Conflict]:
    wanted = list(records("collections"))
    names = {space["id"]: space["name"] for space in spaces}
    rows = find_rows(unit, t.collections, [record["id"] for record in wanted], lock=lock)
    standings = compare_streams(unit, records, wanted, rows)
    conflicts: list[Conflict] = []
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
        elif standing.state == "same":
            plan.same.add(record["id"])
        plan.moved.append(Moved(ref, record["kind"], standing.state, record["live"], events, record["head"]))
    plan.moved.sort(key=lambda item: item.ref)
    fresh = [record for record in wanted if record["id"] in plan.active]
    fresh = [record for record in fresh if standings[record["id"]].name_key != record["name_key"]]
    conflicts += taken_names(
        unit, plan, names, fresh, held=plan.active.keys(), left={record["id"] for record in wanted}
    )
    return conflicts + taken_former_names(unit, records, plan, names, wanted)


def _plan_runs(unit: Unit, records: Records, plan: Plan) -> list[Conflict]:
    r = t.runs.c
    query = sa.select(r.id, r.namespace_id, r.created_at, r.heartbeat_at, r.finished_at)
    conflicts: list[Conflict] = []
    for some in chunks(records("runs"), 100):  # each names every package that was installed
        found = unit.connection.execute(query.where(r.id.in_([record["id"] for record in some])))
        rows = {row.id: row for row in found}
        for record in some:
            row = rows.get(record["id"])
            if row is None:
                plan.new_runs.add(record["id"])
            elif (row.created_at, row.namespace_id) != (record["created_at"], plan.spaces.get(record["namespace_id"])):
                text = f"The run {record['id']!r} here is another one than the bundle's."
                conflicts.append(Conflict(text, APART))
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


def _not_accepted(plan: Plan, ref: str, record: Record) -> list[Conflict]:
    accepted = plan.accepts.get(record["namespace_id"])
    if accepted is None or record["type"] in accepted:
        return []
    text = f"{ref} holds versions of type {record['type']}; its registry here accepts {', '.join(accepted)}."
    return [Conflict(text, ACCEPT)]


def _diverged(ref: str, record: Record, standing: Standing) -> Conflict:
    text = (
        f"{ref} went two ways: its audit head is {standing.head} (event {standing.sequence}) here and "
        f"{record['head']} (event {record['sequence']}) in the bundle."
    )
    return Conflict(text, APART, standing.head, record["head"])
