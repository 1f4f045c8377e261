"""Versions as they are read: what stands beside a membership is collected in as few statements as possible.

The statements for a single version are made once: making one anew for each call costs more than running it on SQLite.
"""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.types import NullType

from podium.domain.names import LATEST, Reference, model_key
from podium.domain.origin import Origin
from podium.domain.versions import Version
from podium.errors import IntegrityError
from podium.sql import tables as t
from podium.sql.types import PlainJson

_CHUNK = 500
_home = t.collections.alias("home")
_home_space = t.namespaces.alias("home_space")

_VERSIONS = (
    sa.select(
        t.memberships.c.collection_id,
        t.memberships.c.number,
        t.memberships.c.version_id,
        t.memberships.c.origin,
        t.memberships.c.created_at,
        t.memberships.c.created_by,
        t.memberships.c.deleted_at,
        t.collections.c.name,
        t.collections.c.kind,
        t.collections.c.type,
        t.collections.c.latest,
        t.namespaces.c.name.label("namespace"),
        t.versions.c.number.label("home_number"),
        t.versions.c.digest,
        t.versions.c.expires_at,
        # What was edited on a link stands there; it never leaks to the source.
        sa.func.coalesce(t.memberships.c.metadata, t.versions.c.metadata, type_=PlainJson()).label("metadata"),
        sa.func.coalesce(t.memberships.c.description, t.versions.c.description).label("description"),
        t.versions.c.run_id,
        t.versions.c.supersedes,
        _home.c.name.label("home_name"),
        _home_space.c.name.label("home_namespace"),
        t.manifests.c.size,
        t.manifests.c.files,
    )
    .join(t.collections, t.collections.c.id == t.memberships.c.collection_id)
    .join(t.namespaces, t.namespaces.c.id == t.collections.c.namespace_id)
    .join(t.versions, t.versions.c.id == t.memberships.c.version_id)
    .join(_home, _home.c.id == t.versions.c.collection_id)
    .join(_home_space, _home_space.c.id == _home.c.namespace_id)
    .join(t.manifests, t.manifests.c.digest == t.versions.c.digest)
)


@dataclass
class _Details:
    """What a version has several of, in no order: databases sort text in ways of their own."""

    aliases: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)


def _one(kind: str, table: sa.Table, value: sa.ColumnElement[Any], *where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(sa.literal(kind).label("kind"), table.c.name, value.label("value")).where(*where)


def _here(table: sa.Table) -> list[sa.ColumnElement[bool]]:
    return [table.c.collection_id == sa.bindparam("collection"), table.c.number == sa.bindparam("number")]


_NOTHING = sa.cast(sa.null(), sa.Double)
_DETAILS = sa.union_all(
    _one("alias", t.aliases, _NOTHING, *_here(t.aliases)),
    _one("tag", t.version_tags, _NOTHING, *_here(t.version_tags)),
    _one(
        "metric",
        t.version_metrics,
        t.version_metrics.c.value,
        t.version_metrics.c.version_id == sa.bindparam("version", type_=sa.Uuid()),
    ),
)
_AT = _VERSIONS.where(*_here(t.memberships))
_NAMED = _VERSIONS.where(
    t.namespaces.c.name == sa.bindparam("namespace"),
    t.collections.c.name == sa.bindparam("name"),
    t.collections.c.name_key.in_([sa.bindparam("key"), sa.bindparam("folded")]),  # the key that has an index
    t.collections.c.deleted_at.is_(None),
    t.memberships.c.deleted_at.is_(None),
)
_BY_NUMBER = _NAMED.where(t.memberships.c.number == sa.bindparam("number"))
_BY_LATEST = _NAMED.where(t.memberships.c.number == t.collections.c.latest)
_BY_ALIAS = _NAMED.join(
    t.aliases,
    sa.and_(t.aliases.c.collection_id == t.collections.c.id, t.aliases.c.number == t.memberships.c.number),
).where(t.aliases.c.name == sa.bindparam("alias"))


_ORDER = (t.namespaces.c.name, t.collections.c.name, t.memberships.c.number.desc())


def load_version(connection: sa.Connection, collection_id: UUID, number: int) -> Version:
    """Return one version that is known to have existed."""
    row = connection.execute(_AT, {"collection": collection_id, "number": number}).one_or_none()
    if row is None:  # callers know that the number is there, so what it is joined with is not
        raise IntegrityError(
            f"The manifest of version {number} is gone from the database, or the version that it is a link to.",
            hint="Somebody edited the database: 'podium audit verify' tells what; restore it from a backup.",
        )
    return _complete(connection, row)


def find_version(connection: sa.Connection, ref: Reference) -> Version | None:
    """Return the version that a reference names now; None if it names nothing."""
    row = connection.execute(_naming(ref), _names(ref)).one_or_none()
    return None if row is None else _complete(connection, row)


def hold_version(connection: sa.Connection, ref: Reference) -> tuple[Version, UUID] | None:
    """Return the version that a reference names and the row of its bytes, which nobody can delete in this transaction.

    None if it names nothing, or a version whose bytes were deleted.
    """
    row = connection.execute(_held(_naming(ref)), _names(ref)).one_or_none()
    return None if row is None else (_complete(connection, row), row.version_id)


def _naming(ref: Reference) -> sa.Select[Any]:
    if ref.number is not None:
        return _BY_NUMBER
    return _BY_LATEST if ref.selector == LATEST else _BY_ALIAS


@functools.cache
def _held(query: sa.Select[Any]) -> sa.Select[Any]:
    return query.where(t.versions.c.deleted_at.is_(None)).with_for_update(read=True, of=t.versions)


def _names(ref: Reference) -> dict[str, Any]:
    names = {"namespace": ref.namespace, "name": ref.name, "key": ref.name, "folded": model_key(ref.name)}
    return names | {"number": ref.number, "alias": ref.selector}


def _complete(connection: sa.Connection, row: Any) -> Version:
    details = _Details()
    keys = {"collection": row.collection_id, "number": row.number, "version": row.version_id}
    for kind, name, value in connection.execute(_DETAILS, keys):
        if kind == "metric":
            details.metrics[name] = value
        else:
            (details.aliases if kind == "alias" else details.tags).append(name)
    return _version(row, details)


def load_versions(
    connection: sa.Connection,
    *where: sa.ColumnElement[bool],
    limit: int | None = None,
    order: Sequence[sa.ColumnElement[Any]] = _ORDER,
) -> list[Version]:
    """Return the versions whose memberships match, newest number first within each collection if not told otherwise."""
    return _complete_all(connection, connection.execute(_VERSIONS.where(*where).order_by(*order).limit(limit)).all())


def load_members(connection: sa.Connection, members: Sequence[tuple[UUID, int]]) -> list[Version]:
    """Return the versions at some places, in the order given; a place that is not there is left out."""
    rows: dict[tuple[UUID, int], Any] = {}
    for start in range(0, len(members), _CHUNK):
        some = list(members[start : start + _CHUNK])
        rows |= {(row.collection_id, row.number): row for row in _rows_at(connection, some)}
    return _complete_all(connection, [rows[member] for member in members if member in rows])


def _rows_at(connection: sa.Connection, members: list[tuple[UUID, int]]) -> Sequence[Any]:
    if connection.dialect.name == "sqlite":
        plain = json.dumps([[collection_id.hex, number] for collection_id, number in members])
        return connection.execute(_AT_LISTED, {"members": plain}).all()
    return connection.execute(_AT_SOME, {"members": members}).all()


_AT_SOME = _VERSIONS.where(
    sa.tuple_(t.memberships.c.collection_id, t.memberships.c.number).in_(sa.bindparam("members", expanding=True))
)
# For a list of pairs SQLite would read the whole table; joined with one it uses the key. And one text is less work to
# bind than two values a place.
_LISTED = sa.func.json_each(sa.bindparam("members", type_=sa.Text())).table_valued("value")
_AT_LISTED = _VERSIONS.join(
    _LISTED,
    sa.and_(
        t.memberships.c.collection_id
        == sa.func.json_extract(_LISTED.c.value, "$[0]", type_=t.memberships.c.collection_id.type),
        t.memberships.c.number == sa.func.json_extract(_LISTED.c.value, "$[1]"),
    ),
)


def _complete_all(connection: sa.Connection, rows: Sequence[Any]) -> list[Version]:
    found: defaultdict[tuple[UUID, int], _Details] = defaultdict(_Details)
    _add_labels(connection, [(row.collection_id, row.number) for row in rows], found)
    metrics = _metrics(connection, {row.version_id for row in rows})
    for row in rows:
        found[row.collection_id, row.number].metrics = metrics[row.version_id]
    return [_version(row, found[row.collection_id, row.number]) for row in rows]


def _version(row: Any, details: _Details) -> Version:
    collection = f"{row.namespace}/{row.name}"
    newest = [LATEST] if row.number == row.latest else []
    return Version(
        ref=f"{collection}:v{row.number}",
        collection=collection,
        kind=row.kind,
        number=row.number,
        type=row.type,
        digest=row.digest,
        size=row.size,
        files=row.files,
        source=f"{row.home_namespace}/{row.home_name}:v{row.home_number}",
        metadata=row.metadata,
        metrics=dict(sorted(details.metrics.items())),
        description=row.description,
        aliases=(*newest, *sorted(details.aliases)),
        run=row.run_id,
        supersedes=row.supersedes if row.kind == "artifact" else None,
        created_at=row.created_at,
        created_by=row.created_by,
        origin=Origin.from_json(row.origin),
        tags=tuple(sorted(details.tags)),
        expires_at=row.expires_at,
        deleted_at=row.deleted_at,
    )


def _add_labels(
    connection: sa.Connection, members: Sequence[tuple[UUID, int]], found: defaultdict[tuple[UUID, int], _Details]
) -> None:
    for start in range(0, len(members), _CHUNK):
        some = members[start : start + _CHUNK]
        # By both columns of the key; a pair that was not asked for is never looked up, so the product does no harm.
        collections = list({member[0] for member in some})
        keys = {"collections": collections, "numbers": list({member[1] for member in some})}
        known = _as_read(collections)
        for kind, collection_id, number, name in connection.execute(_LABELS, keys).all():
            details = found[known[collection_id], number]
            (details.aliases if kind == "alias" else details.tags).append(name)


def _as_read(ids: Iterable[UUID]) -> dict[Any, UUID]:
    """Return identifiers by what the drivers give for them: making one anew for each row costs more than the row."""
    return {form: item for item in ids for form in (item, item.hex)}


def _labels_of(kind: str, table: sa.Table) -> sa.Select[Any]:
    c = table.c
    return sa.select(sa.literal(kind), sa.type_coerce(c.collection_id, NullType()), c.number, c.name).where(
        c.collection_id.in_(sa.bindparam("collections", expanding=True)),
        c.number.in_(sa.bindparam("numbers", expanding=True)),
    )


_LABELS = sa.union_all(_labels_of("alias", t.aliases), _labels_of("tag", t.version_tags))


def _metrics(connection: sa.Connection, ids: Iterable[UUID]) -> defaultdict[UUID, dict[str, float]]:
    found: defaultdict[UUID, dict[str, float]] = defaultdict(dict)
    ordered = sorted(ids)
    for start in range(0, len(ordered), _CHUNK):
        some = ordered[start : start + _CHUNK]
        known = _as_read(some)
        for version_id, name, value in connection.execute(_METRICS, {"versions": some}).all():
            found[known[version_id]][name] = value
    return found


_METRICS = sa.select(
    sa.type_coerce(t.version_metrics.c.version_id, NullType()), t.version_metrics.c.name, t.version_metrics.c.value
).where(t.version_metrics.c.version_id.in_(sa.bindparam("versions", expanding=True)))
