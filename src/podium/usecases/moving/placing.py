"""Writing what an import brings, in the one transaction that makes it visible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from podium.domain.bundle_check import Record
from podium.domain.fields import flatten
from podium.sql import tables as t
from podium.sql.write import insert_into, insert_missing, upsert
from podium.usecases.moving.comparing import Records
from podium.usecases.moving.plan import Plan
from podium.usecases.moving.planning import plan_import
from podium.usecases.moving.rules import bring_rules
from podium.usecases.moving.scope import chunks
from podium.usecases.places import MODEL_REGISTRY, namespace_stream, require_registry
from podium.usecases.policies import effective_policy
from podium.usecases.unit import Unit

_ROWS = 1_000
_RUNS = 100  # each names every package that was installed
_FIELDS = ("name", "position", "kind", "text", "prefix", "value")


@dataclass
class _Placing:
    """One import on its way into the database.

    Attributes:
        unit: The unit.
        records: The bundle.
        plan: What changes.
        versions: Ids of the versions that are written.
    """

    unit: Unit
    records: Records
    plan: Plan
    versions: set[UUID] = field(default_factory=set)

    def of_active(self, kind: str) -> Iterator[Record]:
        """Yield the records of a kind that belong to collections which change."""
        return (record for record in self.records(kind) if record["collection_id"] in self.plan.active)

    def of_runs(self, kind: str) -> Iterator[Record]:
        """Yield the records of a kind that belong to runs which change."""
        return (record for record in self.records(kind) if record["run_id"] in self.plan.active_runs)

    def write(self, table: sa.Table, rows: Iterable[Record]) -> None:
        """Write rows; one of the same key takes the values of the bundle."""
        for some in chunks(rows, _ROWS):
            upsert(self.unit.connection, table, some)

    def add_missing(self, table: sa.Table, rows: Iterable[Record]) -> None:
        """Write rows that never change once they are there."""
        for some in chunks(rows, _ROWS):
            insert_missing(self.unit.connection, table, some)

    def clear(self, table: sa.Table, column: sa.ColumnElement[Any], ids: Iterable[Any]) -> None:
        """Remove the rows of what is brought forward; those of the bundle take their place."""
        for some in chunks(ids):
            self.unit.connection.execute(sa.delete(table).where(column.in_(some)))

    def at_home(self, record: Record) -> Record:
        """Return a record with the namespace that it has here."""
        return {**record, "namespace_id": self.plan.spaces[record["namespace_id"]]}


def import_records(unit: Unit, records: Records, facts: Mapping[str, Any]) -> Plan:
    """Write what a bundle brings, and record in the registry that is there from the start that it was imported.

    The streams of what is moved get no event: it happened elsewhere, and its audit chains stay what they are. Rules
    that a registry here takes over are changes of that registry, and events of its stream.

    Args:
        unit: The unit.
        records: The bundle, checked.
        facts: What the event says about the bundle.

    Raises:
        ConflictError: As `plan_import`, or somebody else was faster with one of the names.
        PermissionDeniedError: As `plan_import`.
    """
    space = require_registry(unit, MODEL_REGISTRY, lock=True)  # first, as whoever else locks it does
    plan = plan_import(unit, records, lock=True)
    if plan.changed:
        _place_records(unit, records, plan, _reason(facts))
        refs = {state: [item.ref for item in plan.moved if item.state == state] for state in ("new", "forward")}
        after = {**facts, **refs, "runs": len(plan.active_runs), "edges": plan.edges}
        after["rules"] = [rules.row.name for rules in plan.taken_rules]
        space = require_registry(
            unit, MODEL_REGISTRY, lock=True
        )  # once more: rules that it took over are in its stream
        unit.record(namespace_stream(space), "bundle.imported", space.name, after=after)
    return plan


def _reason(facts: Mapping[str, Any]) -> str:
    """Return why rules change here, for those who read the events: it names the bundle."""
    return f"Came with the bundle {facts['root']}, exported by {facts['exported_by']} at {facts['exported_at']}."


def _place_records(unit: Unit, records: Records, plan: Plan, reason: str) -> None:
    placing = _Placing(unit, records, plan)
    _place_spaces(placing)
    placing.add_missing(t.manifests, records("manifests"))
    placing.add_missing(t.manifest_entries, records("manifest_entries"))
    _place_runs(placing)
    _place_collections(placing)
    _place_versions(placing)
    _place_members(placing)
    _place_history(placing)
    _place_rules(placing)
    placing.add_missing(t.run_versions, records("run_versions"))
    bring_rules(unit, plan, reason)
    _mark_stages(placing)


def _place_spaces(placing: _Placing) -> None:
    rows = [record for record in placing.records("namespaces") if record["id"] in placing.plan.active_spaces]
    placing.write(t.namespaces, rows)


def _place_runs(placing: _Placing) -> None:
    active = placing.plan.active_runs
    runs = (placing.at_home(record) for record in placing.records("runs") if record["id"] in active)
    placing.clear(t.run_fields, t.run_fields.c.run_id, placing.plan.forward_runs)
    for some in chunks(runs, _RUNS):
        upsert(placing.unit.connection, t.runs, some)
        _write_fields(placing.unit, t.run_fields, [({"run_id": run["id"]}, run["config"]) for run in some])
    placing.write(t.run_metrics, placing.of_runs("run_metrics"))
    placing.write(t.run_media, placing.of_runs("run_media"))


def _place_collections(placing: _Placing) -> None:
    plan, connection = placing.plan, placing.unit.connection
    forward = plan.active.keys() - plan.new
    c = t.collections.c
    for some in chunks(forward):  # so that those which take each other's names do not stand in each other's way
        parked = sa.update(t.collections).where(c.id.in_(some)).values(name_key="/" + sa.cast(c.id, sa.String))
        connection.execute(parked)
    rows = (record for record in placing.records("collections") if record["id"] in plan.active)
    placing.write(t.collections, map(placing.at_home, rows))
    placing.clear(t.collection_tags, t.collection_tags.c.collection_id, forward)
    placing.write(t.collection_tags, placing.of_active("collection_tags"))
    placing.clear(t.former_names, t.former_names.c.collection_id, forward)
    placing.write(t.former_names, map(placing.at_home, placing.of_active("former_names")))


def _place_versions(placing: _Placing) -> None:
    forward = placing.plan.active.keys() - placing.plan.new
    mine = sa.select(t.versions.c.id)
    for some in chunks(forward):
        ids = mine.where(t.versions.c.collection_id.in_(some))
        placing.unit.connection.execute(sa.delete(t.version_fields).where(t.version_fields.c.version_id.in_(ids)))
    for rows in chunks(placing.of_active("versions"), _ROWS):
        placing.versions |= {row["id"] for row in rows}
        upsert(placing.unit.connection, t.versions, rows)
        _write_fields(placing.unit, t.version_fields, [({"version_id": row["id"]}, row["metadata"]) for row in rows])
    metrics = (row for row in placing.records("version_metrics") if row["version_id"] in placing.versions)
    placing.write(t.version_metrics, metrics)


def _place_members(placing: _Placing) -> None:
    forward = placing.plan.active.keys() - placing.plan.new
    for table in (t.member_fields, t.version_tags, t.aliases):
        placing.clear(table, table.c.collection_id, forward)
    for rows in chunks(placing.of_active("memberships"), _ROWS):
        upsert(placing.unit.connection, t.memberships, rows)
        own = [row for row in rows if row["metadata"] is not None]
        keys = [({name: row[name] for name in ("collection_id", "number")}, row["metadata"]) for row in own]
        _write_fields(placing.unit, t.member_fields, keys)
    placing.write(t.version_tags, placing.of_active("version_tags"))
    placing.write(t.aliases, placing.of_active("aliases"))


def _place_history(placing: _Placing) -> None:
    plan = placing.plan
    for table in (t.alias_moves, t.checks, t.transitions):
        placing.write(table, placing.of_active(table.name))
    transitions = {record["id"] for record in placing.of_active("transitions")}
    said = (record for record in placing.records("approvals") if record["transition_id"] in transitions)
    placing.write(t.approvals, said)
    have: Mapping[UUID, int] = plan.active_spaces | plan.active
    for rows in chunks(_newer(placing.records("events"), have), _ROWS):
        placing.unit.connection.execute(insert_into(t.events), rows)


def _place_rules(placing: _Placing) -> None:
    """Write policies and freezes, and who has which role in the registries whose own stream is moved."""
    spaces = placing.plan.active_spaces
    for table in (t.policies, t.freezes):
        placing.write(table, _of_registries(placing, table.name))
    placing.clear(t.roles, t.roles.c.namespace_id, spaces)
    placing.write(t.roles, (record for record in placing.records("roles") if record["namespace_id"] in spaces))


def _newer(events: Iterable[Record], have: Mapping[UUID, int]) -> Iterator[Record]:
    return (event for event in events if event["stream"] in have and event["sequence"] > have[event["stream"]])


def _of_registries(placing: _Placing, kind: str) -> Iterator[Record]:
    """Yield the records of models that change, and those of whole registries that do."""
    active, spaces = placing.plan.active, placing.plan.active_spaces
    for record in placing.records(kind):
        own = record["collection_id"]
        if own in active or (own is None and record["namespace_id"] in spaces):
            yield placing.at_home(record)


def _mark_stages(placing: _Placing) -> None:
    """Mark which aliases are stages by the policies in force here, which may be others than where they come from."""
    plan, a, c = placing.plan, t.aliases.c, t.collections.c
    models: set[tuple[UUID, UUID]] = set()
    query = sa.select(c.id, c.namespace_id).where(c.kind == "model")
    ruled = plan.same if plan.taken_rules else ()
    for column, ids in ((c.id, [*plan.active, *ruled]), (c.namespace_id, plan.active_spaces)):
        for some in chunks(ids):
            models |= {
                (row.id, row.namespace_id) for row in placing.unit.connection.execute(query.where(column.in_(some)))
            }
    for collection_id, space in sorted(models):
        names = effective_policy(placing.unit, space, collection_id).names
        mark = sa.update(t.aliases).where(a.collection_id == collection_id).values(stage=a.name.in_(names))
        placing.unit.connection.execute(mark)


def _write_fields(unit: Unit, table: sa.Table, documents: Iterable[tuple[dict[str, Any], Mapping[str, Any]]]) -> None:
    """Write the rows by which a document is searched; they are made from it and stand in no bundle."""
    rows = [
        key | {name: getattr(found, name) for name in _FIELDS}
        for key, document in documents
        for found in flatten(document)
    ]
    for some in chunks(rows, _ROWS):
        unit.connection.execute(insert_into(table), some)
