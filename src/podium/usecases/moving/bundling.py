"""Records into a bundle, and out of one that is open."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator

from podium.content.bundle import BundleReader
from podium.content.bundle_files import lines_path
from podium.content.bundle_writer import LineFile
from podium.content.disk import storage_errors
from podium.domain.bundle import CONTENTS, BundleManifest, Member, damaged
from podium.domain.bundle_check import Record, RecordCheck
from podium.domain.bundle_records import RECORDS, read_record, record_member, write_content_line, write_record
from podium.domain.plain import iso
from podium.errors import IntegrityError
from podium.usecases.moving.collecting import collect_records, count_left_out
from podium.usecases.moving.scope import Scope
from podium.usecases.unit import Unit


def write_lines(unit: Unit, scope: Scope, scratch: str) -> BundleManifest:
    """Write the lines of a bundle into a folder, and return its manifest.

    They go to a disk first because the manifest, which comes before them, has their hashes.

    Args:
        unit: One that sees a single moment.
        scope: What is wanted.
        scratch: An empty folder; `content.bundle_files.write_bundle` takes the lines from there.

    Raises:
        IntegrityError: What the registry holds is not whole: an audit chain is broken, a manifest was edited.
        StorageError: The folder cannot be written.
    """
    check = RecordCheck()
    members: list[Member] = []
    try:
        for kind in RECORDS:
            lines = (write_record(kind, record) for record in check.watch(kind, collect_records(unit, scope, kind)))
            members.append(_write_member(scratch, record_member(kind), lines))
        check.end()
    except IntegrityError as error:
        raise IntegrityError(
            f"What is to be exported is not whole: {error.facts.get('member', '')}, {error.facts.get('why', error)}.",
            hint="'podium audit verify' shows what was changed by other hands; restore it from a backup.",
        ) from error
    contents = sorted((sha256.hex(), size) for sha256, size in check.contents.items())
    members.append(_write_member(scratch, CONTENTS, (write_content_line(*content) for content in contents)))
    return BundleManifest(
        created_at=iso(unit.now),
        created_by=unit.actor,
        podium=importlib.metadata.version("podium"),
        asked=scope.asked,
        members=tuple(members),
        contents=len(contents),
        content_size=sum(size for _, size in contents),
        left_out=count_left_out(unit, scope),
    )


def read_records(bundle: BundleReader, kind: str, *, known: bool = True) -> Iterator[Record]:
    """Yield the records of a kind from a bundle.

    Args:
        bundle: The bundle.
        kind: One of `RECORDS`.
        known: Whether `check_records` went through them: then the hash at their end shows that they are the same.

    Raises:
        IntegrityError: A line is no record, or the bundle changed since it was checked.
    """
    member = record_member(kind)
    for place, line in enumerate(bundle.lines(member), start=1):
        try:
            yield read_record(kind, line, known=known)
        except ValueError as error:
            raise damaged(member, f"line {place}, {error}") from error


def check_records(bundle: BundleReader) -> None:
    """Look whether the records of a bundle fit together, and need just the contents that it has.

    Raises:
        IntegrityError: They do not.
    """
    check = RecordCheck()
    for kind in RECORDS:
        for _ in check.watch(kind, read_records(bundle, kind, known=False)):
            pass  # each is looked at on its way
    check.end()
    for sha256, size, _ in bundle.contents():
        if check.contents.pop(bytes.fromhex(sha256), None) != size:
            raise damaged(CONTENTS, f"nothing needs {sha256} with this size")
    if check.contents:
        raise damaged(CONTENTS, f"{len(check.contents)} contents that the records need are not in it")


def _write_member(scratch: str, name: str, lines: Iterator[bytes]) -> Member:
    with storage_errors(scratch):
        with LineFile(lines_path(scratch, name)) as file:
            for line in lines:
                file.add(line)
        return file.end(name)
