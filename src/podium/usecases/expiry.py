"""Versions whose time to live has ended."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import sqlalchemy as sa

from podium.domain.plain import check_limit
from podium.domain.versions import Expiring
from podium.sql import tables as t
from podium.sql.versions import load_versions
from podium.usecases.places import require_namespace
from podium.usecases.unit import Unit

_V, _M, _N, _A = t.versions.c, t.memberships.c, t.namespaces.c, t.aliases.c
_CHUNK = 500


def list_expiring(unit: Unit, namespace: str | None = None, limit: int | None = None) -> list[Expiring]:
    """Return the versions whose time to live has ended: those that can go, then those that something keeps.

    Args:
        unit: The unit.
        namespace: Only those of one project.
        limit: At most so many of each; those whose time ended first.

    Raises:
        InvalidNameError: The namespace breaks the rules of names.
        InvalidValueError: The limit is less than 1.
        NotFoundError: There is no such namespace.
    """
    check_limit(limit)
    due: list[sa.ColumnElement[bool]] = [_V.expires_at <= unit.now, _V.deleted_at.is_(None)]
    due.append(_M.collection_id == _V.collection_id)
    if namespace is not None:
        require_namespace(unit, namespace)
        due.append(_N.name == namespace)
    aliased = sa.exists().where(_A.collection_id == _V.collection_id, _A.number == _V.number)
    link = t.memberships.alias("link")
    elsewhere = link.c.collection_id != _V.collection_id
    linked = sa.exists().where(link.c.version_id == _V.id, link.c.deleted_at.is_(None), elsewhere)
    order = (_V.expires_at, _V.id)
    free = load_versions(unit.connection, *due, ~aliased, ~linked, limit=limit, order=order)
    used = load_versions(unit.connection, *due, sa.or_(aliased, linked), limit=limit, order=order)
    keepers = _keepers(unit, [version.ref for version in used])
    return [*(Expiring(item, ()) for item in free), *(Expiring(item, tuple(keepers[item.ref])) for item in used)]


def _keepers(unit: Unit, refs: list[str]) -> defaultdict[str, list[str]]:
    """Return what keeps each version: its aliases, then the model versions that link to it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    home, space = t.collections.alias("home"), t.namespaces.alias("space")
    name = space.c.name + "/" + home.c.name + ":v" + sa.cast(_V.number, sa.String)
    base = (
        sa.select(name.label("ref"))
        .select_from(t.versions)
        .join(home, home.c.id == _V.collection_id)
        .join(space, space.c.id == home.c.namespace_id)
    )
    at = sa.and_(_A.collection_id == _V.collection_id, _A.number == _V.number)
    aliases = base.add_columns(_A.name.label("keeper")).join(t.aliases, at)
    for start in range(0, len(refs), _CHUNK):
        some = refs[start : start + _CHUNK]
        for query in (aliases, _links(base)):
            for ref, keeper in sorted(tuple(row) for row in unit.connection.execute(query.where(name.in_(some)))):
                found[ref].append(keeper)
    return found


def _links(base: sa.Select[Any]) -> sa.Select[Any]:
    c = t.collections.c
    model = _N.name + "/" + c.name + ":v" + sa.cast(_M.number, sa.String)
    return (
        base.add_columns(model.label("keeper"))
        .join(t.memberships, sa.and_(_M.version_id == _V.id, _M.deleted_at.is_(None)))
        .join(t.collections, sa.and_(c.id == _M.collection_id, c.kind == "model"))
        .join(t.namespaces, _N.id == c.namespace_id)
    )
