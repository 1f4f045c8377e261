"""What can be searched: its vocabulary, its table, its key, and where its fields stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from podium.domain.expressions import Found, Vocabulary
from podium.domain.search import COLLECTIONS, RUNS, VERSIONS
from podium.sql import tables as t
from podium.usecases.search.collection_sources import C, collection_source
from podium.usecases.search.drivers import Driver, version_driver
from podium.usecases.search.run_sources import R, run_source
from podium.usecases.search.sources import Column, Source, Walk
from podium.usecases.search.version_sources import M, version_source, version_walk


@dataclass(frozen=True)
class Subject:
    """What can be searched.

    Attributes:
        vocabulary: The fields.
        table: Of which a row is looked at.
        key: The columns that tell its rows apart; they break ties.
        key_types: Their types in Python.
        source: Where a field stands.
        live: The condition for what is there, unless the expression asks for what was deleted.
        kind: The column that says artifact or model, if there is one.
        driver: Gives the rows that a condition leads to by an index, if there is one.
        walk: Gives an index of another table that is in the order of a field, None if there is none.
    """

    vocabulary: Vocabulary
    table: sa.Table
    key: tuple[Column, ...]
    key_types: tuple[type, ...]
    source: Callable[[Found, str, datetime], Source]
    live: Column | None = None
    kind: Column | None = None
    driver: Driver | None = None
    walk: Callable[[Found], Walk | None] = lambda _found: None


_KIND_OF_MEMBER = (
    sa.select(t.collections.c.kind)
    .where(t.collections.c.id == M.collection_id)
    .correlate(t.memberships)
    .scalar_subquery()
)
VERSION = Subject(
    VERSIONS,
    t.memberships,
    (M.collection_id, M.number),
    (UUID, int),
    version_source,
    M.deleted_at.is_(None),
    _KIND_OF_MEMBER,
    version_driver,
    version_walk,
)
COLLECTION = Subject(COLLECTIONS, t.collections, (C.id,), (UUID,), collection_source, C.deleted_at.is_(None), C.kind)
RUN = Subject(RUNS, t.runs, (R.id,), (str,), run_source)
