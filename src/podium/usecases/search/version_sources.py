"""Where the fields of a version stand. What is looked at is a row of `memberships`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from podium.domain.expressions import Found
from podium.domain.names import LATEST
from podium.domain.runs import SILENCE
from podium.sql import tables as t
from podium.usecases.search import shared
from podium.usecases.search.sources import Column, Rows, Several, Single, Source, Walk

M = t.memberships.c
_C, _V, _R, _N = t.collections.c, t.versions.c, t.runs.c, t.namespaces.c
_COLLECTION = sa.select(_C.id).where(_C.id == M.collection_id).correlate(t.memberships)
_SPACE = (
    sa.select(_N.name)
    .join(t.collections, _C.namespace_id == _N.id)
    .where(_C.id == M.collection_id)
    .correlate(t.memberships)
)
_VERSION = sa.select(_V.id).where(_V.id == M.version_id).correlate(t.memberships)
_MANIFEST = (
    sa.select(_V.id)
    .join(t.manifests, t.manifests.c.digest == _V.digest)
    .where(_V.id == M.version_id)
    .correlate(t.memberships)
)
_RUN = sa.select(_R.id).join(t.versions, _V.run_id == _R.id).where(_V.id == M.version_id).correlate(t.memberships)
_RUN_ID = _VERSION.with_only_columns(_V.run_id).scalar_subquery()
_HOME = (
    sa.select(_V.id)
    .join(t.collections, _C.id == _V.collection_id)
    .join(t.namespaces, _N.id == _C.namespace_id)
    .where(_V.id == M.version_id)
    .correlate(t.memberships)
)
_HERE: Callable[[sa.Table], tuple[Column, Column]] = lambda table: (  # noqa: E731 - a formula, used below only
    table.c.collection_id == M.collection_id,
    table.c.number == M.number,
)
_LATEST = _COLLECTION.with_only_columns(_C.latest).scalar_subquery() == M.number
_ALIASES = sa.select(sa.literal(1)).select_from(t.aliases).where(*_HERE(t.aliases)).correlate(t.memberships)
_TAGS = sa.select(sa.literal(1)).select_from(t.version_tags).where(*_HERE(t.version_tags)).correlate(t.memberships)
_COLLECTION_TAGS = (
    sa.select(sa.literal(1))
    .select_from(t.collection_tags)
    .where(t.collection_tags.c.collection_id == M.collection_id)
    .correlate(t.memberships)
)

_FIXED: dict[str, Source] = {
    "namespace": Single(_N.name, _SPACE, never_null=True),
    "name": Single(_C.name, _COLLECTION, never_null=True),
    "collection": Single(_N.name + "/" + _C.name, _SPACE, never_null=True),
    "number": Single(M.number, never_null=True),
    "kind": Single(_C.kind, _COLLECTION, never_null=True),
    "type": Single(_C.type, _COLLECTION, never_null=True),
    "alias": Several((Rows(_ALIASES, t.aliases.c.name),), {LATEST: _LATEST}),
    "stage": Several((Rows(_ALIASES.where(t.aliases.c.stage), t.aliases.c.name),)),
    "tag": Several((Rows(_TAGS, t.version_tags.c.name),)),
    "created": Single(M.created_at, never_null=True),
    "created_by": Single(M.created_by, never_null=True),
    "description": Single(
        sa.func.coalesce(M.description, _VERSION.with_only_columns(_V.description).scalar_subquery(), type_=sa.Text())
    ),
    "size": Single(t.manifests.c.size, _MANIFEST, never_null=True),
    "files": Single(t.manifests.c.files, _MANIFEST, never_null=True),
    "digest": Single(_V.digest, _VERSION, never_null=True),
    "source": Single(_N.name + "/" + _C.name + ":v" + sa.cast(_V.number, sa.Text()), _HOME, never_null=True),
    "collection.tag": Several((Rows(_COLLECTION_TAGS, t.collection_tags.c.name),)),
    "collection.owner": Single(_C.owner, _COLLECTION),
    "collection.task": Single(_C.task, _COLLECTION),
    "run.id": Single(_V.run_id, _VERSION),
    "run.name": Single(_R.name, _RUN),
    "run.job_type": Single(_R.job_type, _RUN),
    "expires": Single(_V.expires_at, _VERSION),
    "deleted": Single(M.deleted_at),
}


def version_source(found: Found, dialect: str, now: datetime) -> Source:
    """Return where a field of a version stands."""
    name, key = found.field.name, found.key
    if name in _FIXED:
        return _FIXED[name]
    if name == "run.status":
        return Single(shared.run_status(now, SILENCE), _RUN)
    if name.startswith("origin"):
        return shared.origin(found, M.origin, dialect)
    assert key is not None, name
    return _FAMILIES[name](key)


def version_walk(found: Found) -> Walk | None:
    """Return the index that has versions in the order of a metric."""
    if found.field.name != "metric":
        return None
    x = t.version_metrics.alias("sorted_by")
    rows = x.join(t.memberships, M.version_id == x.c.version_id)
    return Walk(rows, x.c.value, x.c.name == found.key)


def _metric(key: str) -> Source:
    x = t.version_metrics.c
    query = sa.select(x.value).where(x.version_id == M.version_id, x.name == key).correlate(t.memberships)
    return Single(x.value, query)


def _metadata(key: str) -> Source:
    f, e = t.version_fields.c, t.member_fields
    source = shared.field_rows(t.version_fields, key, f.version_id == M.version_id, guard=M.metadata.is_(None))
    edited = shared.field_rows(t.member_fields, key, *_HERE(e), guard=M.metadata.is_not(None))
    return Several((source, edited))


def _config(key: str) -> Source:
    return Several((shared.field_rows(t.run_fields, key, t.run_fields.c.run_id == _RUN_ID),))


def _check(key: str) -> Source:
    """The result on this digest that counts, by the rule of `podium.domain.checks.counting_checks`.

    That is the newest of those recorded on this collection and the newest of those recorded where the version was
    logged; of both the worse.
    """
    k, later = t.checks.c, t.checks.alias("later").c
    source = _VERSION.with_only_columns(_V.collection_id).scalar_subquery()
    digest = _VERSION.with_only_columns(_V.digest).scalar_subquery()
    again = (later.collection_id == k.collection_id, later.name == k.name, later.digest == k.digest)
    own = sa.or_(later.collection_id == M.collection_id, later.version_id == M.version_id)
    newer = sa.select(sa.literal(1)).where(*again, later.sequence > k.sequence, own).correlate(t.memberships, t.checks)
    counts = sa.or_(k.collection_id == M.collection_id, k.version_id == M.version_id)
    warned = sa.and_(k.status == "fail", k.severity == "warn")
    bad = sa.case((k.status.in_(("pass", "warn")), 0), (warned, 1), else_=2)
    query = (
        sa.select(k.status)
        .where(k.name == key, k.collection_id.in_([M.collection_id, source]), k.digest == digest, counts)
        .where(~sa.exists(newer))
        .correlate(t.memberships)
        .order_by(bad.desc(), k.created_at.desc(), k.id.desc())
        .limit(1)
    )
    return Single(k.status, query)


_FAMILIES: dict[str, Callable[[str], Source]] = {
    "metric": _metric,
    "metadata": _metadata,
    "config": _config,
    "check": _check,
}
