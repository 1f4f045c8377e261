"""Rows that belong to nothing: what is left when somebody deletes a part by hand, where foreign keys are off."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from podium.sql import tables as t
from podium.usecases.audit.findings import Notes, read
from podium.usecases.unit import Unit

_OF_COLLECTIONS = (
    t.memberships,
    t.versions,
    t.aliases,
    t.alias_moves,
    t.checks,
    t.transitions,
    t.version_tags,
    t.collection_tags,
    t.former_names,
)


def find_orphans(unit: Unit, notes: Notes) -> None:
    """Note down events and rows whose collection, project or registry is not there.

    Raises:
        UnreadableError: A row holds what its columns cannot.
    """
    e = t.events.c
    there = sa.select(t.collections.c.id).union_all(sa.select(t.namespaces.c.id))
    name, count = sa.func.min(e.stream_name).label("name"), sa.func.count().label("count")
    lost = sa.select(e.stream, name, count).where(e.stream.not_in(there)).group_by(e.stream)
    for row in read(unit.connection, lost):
        text = f"{row.count} events of {row.name} are there, but no artifact, model or registry that they belong to."
        notes.note("stream_unknown", row.name, text, found={"events": row.count})
    for table in _OF_COLLECTIONS:
        _note(unit, notes, table, table.c.collection_id.not_in(sa.select(t.collections.c.id)))
    _note(unit, notes, t.collections, t.collections.c.namespace_id.not_in(sa.select(t.namespaces.c.id)))
    _note(unit, notes, t.policies, t.policies.c.namespace_id.not_in(sa.select(t.namespaces.c.id)))
    own = t.policies.c.collection_id
    _note(unit, notes, t.policies, sa.and_(own.is_not(None), own.not_in(sa.select(t.collections.c.id))))
    _note(unit, notes, t.manifest_entries, t.manifest_entries.c.digest.not_in(sa.select(t.manifests.c.digest)))
    _note_elsewhere(unit, notes)
    _note_contents(unit, notes)


def _note_elsewhere(unit: Unit, notes: Notes) -> None:
    """Note down rows that name a collection, and another project or registry than the one that it is in."""
    c, n = t.collections.c, t.namespaces.c
    for table in (t.freezes, t.policies):
        there = sa.select(c.id).where(c.id == table.c.collection_id, c.namespace_id != table.c.namespace_id)
        lost = unit.connection.execute(sa.select(sa.func.count()).select_from(table).where(there.exists())).scalar_one()
        if lost:
            text = f"{lost} rows of {table.name} are of another project or registry than the model that they are for."
            notes.note("state_differs", "", text, subject=table.name, found={"rows": lost})
    kinds = sa.case((n.kind == "registry", "model"), else_="artifact")
    wrong = sa.select(n.name, n.kind).join(t.collections, c.namespace_id == n.id).where(c.kind != kinds).distinct()
    for row in read(unit.connection, wrong):
        text = f"{row.name} says that it is a {row.kind}, but what is in it is not of that kind."
        notes.note("state_differs", row.name, text, found={"kind": row.kind})


def _note_contents(unit: Unit, notes: Notes) -> None:
    """Note down versions whose manifest is not there."""
    v, c, n = t.versions.c, t.collections.c, t.namespaces.c
    ref = (n.name + "/" + c.name).label("ref")
    gone = v.digest.not_in(sa.select(t.manifests.c.digest))
    lost = sa.select(ref, v.number, v.digest).join(t.collections, c.id == v.collection_id)
    for row in read(
        unit.connection, lost.join(t.namespaces, n.id == c.namespace_id).where(gone, v.purged_at.is_(None))
    ):
        text = f"The manifest of {row.ref}:v{row.number} is not there, so nobody can tell which files it has."
        notes.note("state_missing", row.ref, text, subject=f"{row.ref}:v{row.number}", expected=row.digest)


def _note(unit: Unit, notes: Notes, table: sa.Table, where: sa.ColumnElement[Any]) -> None:
    count = unit.connection.execute(sa.select(sa.func.count()).select_from(table).where(where)).scalar_one()
    if count:
        text = f"{count} rows of {table.name} belong to nothing that is there."
        notes.note("stream_unknown", "", text, subject=table.name, found={"rows": count})
