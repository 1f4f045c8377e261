"""Manifests: the digest of a version is the SHA-256 of its files, so it is computed of them anew."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from podium.domain.manifest import Entry, Manifest
from podium.sql import tables as t
from podium.usecases.audit.findings import Notes, read
from podium.usecases.unit import Unit

_PAGE = 200
_M, _E = t.manifests.c, t.manifest_entries.c
_MANIFESTS = sa.select(_M.digest, _M.size, _M.files).order_by(_M.digest).limit(_PAGE)
_LATER = _MANIFESTS.where(_M.digest > sa.bindparam("after"))


def verify_manifests(unit: Unit, notes: Notes) -> None:
    """Compute the digest of every manifest anew and note down those that differ.

    Raises:
        UnreadableError: A row holds what its columns cannot.
    """
    page = read(unit.connection, _MANIFESTS)
    while page:
        entries: dict[str, list[Entry]] = {row.digest: [] for row in page}
        query = sa.select(t.manifest_entries).where(_E.digest.in_(list(entries)))
        for row in read(unit.connection, query):
            entries[row.digest].append(Entry(row.path, row.size, row.sha256, row.uri, row.integrity, row.etag))
        for row in page:
            _verify(row, entries[row.digest], notes)
        notes.manifests += len(page)
        page = read(unit.connection, _LATER, {"after": page[-1].digest}) if len(page) == _PAGE else []


def _verify(row: Any, entries: list[Entry], notes: Notes) -> None:
    manifest = Manifest(tuple(sorted(entries, key=lambda entry: entry.path)))
    expected = {"digest": row.digest, "size": row.size, "files": row.files}
    found = {"digest": manifest.digest, "size": manifest.size, "files": len(entries)}
    if found != expected:
        what = ", ".join(f"{name} {found[name]}" for name in found if found[name] != expected[name])
        text = f"The files of the manifest {row.digest} were altered: they give {what}."
        notes.note("manifest_differs", "", text, subject=row.digest, expected=expected, found=found)
