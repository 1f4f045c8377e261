"""Recording the results of checks, and finding the newest."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from podium.domain.checks import CheckResult, RecordedCheck, counting_checks, validate_result
from podium.domain.names import parse_reference
from podium.domain.versions import Version
from podium.errors import ConflictError, InvalidValueError
from podium.sql import tables as t
from podium.sql.ids import new_id
from podium.sql.rows import to_check
from podium.usecases.places import find_collection, stream_of
from podium.usecases.resolving import get_version, resolve_number
from podium.usecases.unit import Unit


@dataclass(frozen=True, slots=True)
class RecordChecks:
    """Keep the results of checks that ran on a version.

    Attributes:
        ref: The version.
        results: What came out.
        digest: The digest that the checks really ran on, if the caller knows it. When an alias moved in between, the
            reference names other bytes by now, and the results are not put on them.
    """

    ref: str
    results: tuple[CheckResult, ...]
    digest: str | None = None


def record_checks(unit: Unit, command: RecordChecks) -> list[RecordedCheck]:
    """Append the results, bound to the version and its digest.

    Raises:
        ConflictError: The reference names another digest than the one tested.
        InvalidNameError, InvalidValueError: A result, or the digest, cannot be used.
        NotFoundError: The reference names nothing.
    """
    results = [validate_result(result) for result in command.results]
    if not results:
        raise InvalidValueError("There is no check to record.", hint="Give at least one result.")
    ref = parse_reference(command.ref)
    row = find_collection(unit, ref, lock=True)
    version = get_version(unit, row.id, resolve_number(unit, ref, row.id))
    _require_digest(version, command.digest)
    m, c = t.memberships.c, t.checks.c
    member = sa.select(m.version_id).where(m.collection_id == row.id, m.number == version.number)
    version_id = unit.connection.execute(member).scalar_one()
    last = unit.connection.execute(sa.select(sa.func.max(c.sequence)).where(c.collection_id == row.id)).scalar() or 0
    for position, result in enumerate(results, start=last + 1):
        unit.add(
            t.checks,
            id=new_id(),
            collection_id=row.id,
            version_id=version_id,
            number=version.number,
            digest=version.digest,
            sequence=position,
            origin=unit.plain_origin,
            **_columns(result),
            **unit.who,
        )
    after = {"number": version.number, "digest": version.digest, "checks": [result.to_json() for result in results]}
    # So that subscriptions and automations can ask for it: expressions do not look into lists of mappings.
    after["failed"] = sum(1 for result in results if not result.passed and result.status != "skipped")
    unit.record(stream_of(row), "model_version.checked", version.ref, after=after)
    return [
        RecordedCheck(version.collection, version.number, version.digest, result, unit.now, unit.actor, unit.origin)
        for result in results
    ]


def list_checks(unit: Unit, text: str) -> list[RecordedCheck]:
    """Return every result that counts for a version, oldest first: those on the model and those on its source.

    Raises:
        NotFoundError: The reference names nothing.
    """
    ref = parse_reference(text)
    row = find_collection(unit, ref)
    version = get_version(unit, row.id, resolve_number(unit, ref, row.id))
    places = recorded_for(unit, row.id, version).values()
    return list(heapq.merge(*([check for check, _ in place] for place in places), key=lambda check: check.at))


def counting_for(collection_id: UUID, version: Version) -> tuple[sa.ColumnElement[bool], ...]:
    """The conditions for what counts for a version: results recorded here, and those recorded on its source.

    A result recorded where the version was logged counts in every model it is linked into; one recorded on a model
    counts only there, because checks may compare with that model's champion.
    """
    c, m = t.checks.c, t.memberships.c
    member = (
        sa.select(m.version_id).where(m.collection_id == collection_id, m.number == version.number).scalar_subquery()
    )
    source = sa.select(t.versions.c.collection_id).where(t.versions.c.id == member).scalar_subquery()
    here = sa.or_(c.collection_id == collection_id, sa.and_(c.collection_id == source, c.version_id == member))
    return c.digest == version.digest, c.collection_id.in_([collection_id, source]), here


def recorded_for(unit: Unit, collection_id: UUID, version: Version) -> dict[str, list[tuple[RecordedCheck, int]]]:
    """Return what counts for a version by where it was recorded, in the order there, each with its number there."""
    c, source = t.checks.c, version.source.rpartition(":")[0]
    query = sa.select(t.checks).where(*counting_for(collection_id, version)).order_by(c.sequence)
    places: dict[str, list[tuple[RecordedCheck, int]]] = {}
    for row in unit.connection.execute(query):
        place = version.collection if row.collection_id == collection_id else source
        places.setdefault(place, []).append((to_check(row, place), row.sequence))
    return places


def newest_checks(unit: Unit, text: str) -> Mapping[str, RecordedCheck]:
    """Return the result per check name that counts for a version."""
    return counting_checks(list_checks(unit, text))


def _require_digest(version: Version, digest: str | None) -> None:
    if digest is not None and not isinstance(digest, str):
        raise InvalidValueError(f"{digest!r} is no digest.", hint="Give the digest of the version that was tested.")
    if digest is not None and digest != version.digest:
        raise ConflictError(
            f"The checks ran on {digest[:19]}…, but {version.ref} is {version.digest[:19]}….",
            hint="The alias moved while the checks ran; name the version by its number, such as ':v3'.",
            holder=version.ref,
        )


def _columns(result: CheckResult) -> dict[str, object]:
    return {
        "name": result.name,
        "status": result.status,
        "severity": result.severity,
        "message": result.message,
        "metrics": dict(result.metrics),
        "duration": result.duration,
        "suite": result.suite,
    }
