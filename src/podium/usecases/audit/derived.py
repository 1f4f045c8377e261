"""The rows by which search looks documents up: made of the document, so they are made of it anew and compared."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from podium.domain.fields import MOST_FIELDS, flatten
from podium.sql import tables as t
from podium.usecases.audit.chain import raw
from podium.usecases.audit.findings import Notes, read
from podium.usecases.unit import Unit

_PAGE = 200


@dataclass(frozen=True, slots=True)
class _Documents:
    """Documents and where their fields are.

    Attributes:
        table: Whose documents.
        document: The column.
        keys: The columns of its key.
        fields: The table of the fields.
        places: The columns there that point at the key.
    """

    table: sa.Table
    document: sa.Column[Any]
    keys: tuple[sa.Column[Any], ...]
    fields: sa.Table
    places: tuple[sa.Column[Any], ...]


_V, _M, _R = t.versions.c, t.memberships.c, t.runs.c
_VF, _MF, _RF = t.version_fields.c, t.member_fields.c, t.run_fields.c
_ALL = (
    _Documents(t.versions, _V.metadata, (_V.id,), t.version_fields, (_VF.version_id,)),
    _Documents(
        t.memberships, _M.metadata, (_M.collection_id, _M.number), t.member_fields, (_MF.collection_id, _MF.number)
    ),
    _Documents(t.runs, _R.config, (_R.id,), t.run_fields, (_RF.run_id,)),
)


def verify_fields(unit: Unit, notes: Notes) -> None:
    """Note down documents whose fields are not those that search should find, a page of them at a time.

    Raises:
        UnreadableError: A row holds what its columns cannot.
        ValueError: A document is no JSON.
    """
    for documents in _ALL:
        query = sa.select(*documents.keys, *raw(documents.document)).order_by(*documents.keys).limit(_PAGE)
        page = read(unit.connection, query)
        while page:
            _verify(unit, documents, page, notes)
            later = sa.tuple_(*documents.keys) > sa.tuple_(*page[-1][:-1])
            page = read(unit.connection, query.where(later)) if len(page) == _PAGE else []


def _verify(unit: Unit, documents: _Documents, page: Any, notes: Notes) -> None:
    asked = [tuple(row[:-1]) for row in page]
    place = documents.places
    some = place[0].in_([key[0] for key in asked]) if len(place) == 1 else sa.tuple_(*place).in_(asked)
    f = documents.fields.c
    found: defaultdict[tuple[Any, ...], Counter[Any]] = defaultdict(Counter)
    for row in read(unit.connection, sa.select(*place, f.name, f.kind, f.text, f.prefix, f.value).where(some)):
        found[tuple(row[: len(place)])][tuple(row[len(place) :])] += 1
    for key, row in zip(asked, page, strict=True):
        document = json.loads(row[-1]) if row[-1] is not None else None
        fields = flatten(document or {})
        expected = Counter((one.name, one.kind, one.text, one.prefix, one.value) for one in fields)
        # Of a huge document some are left out, and which depends on the order that it was given in.
        same = found[key].total() == MOST_FIELDS if len(fields) == MOST_FIELDS else found[key] == expected
        if not same:
            name = " ".join(str(part) for part in key)
            text = f"Search finds {documents.table.name} {name} by something else than its {documents.document.name}."
            wrong = sorted({str(one[0]) for one in (found[key] - expected) + (expected - found[key])})[:10]
            notes.note("state_differs", "", text, subject=f"{documents.fields.name} {name}", found={"fields": wrong})
