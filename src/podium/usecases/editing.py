"""Editing what describes a version: metadata, description, time to live. Its files and its number never change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from podium.domain.audit import details_sha256
from podium.domain.names import parse_reference
from podium.domain.plain import check_text, iso, plain_dict
from podium.domain.versions import Version
from podium.errors import InvalidValueError
from podium.sql import tables as t
from podium.usecases.fields import replace_fields
from podium.usecases.members import version_of
from podium.usecases.places import find_collection, stream_of
from podium.usecases.resolving import get_version, resolve_number
from podium.usecases.unit import Unit

_LONGEST = timedelta(days=365 * 100)


class Keep:
    """The type of `KEEP`: what is not mentioned stays as it is, which is not the same as None."""

    def __repr__(self) -> str:
        return "KEEP"


KEEP = Keep()
Text = str | None | Keep
Ttl = timedelta | None | Keep


@dataclass(frozen=True, slots=True)
class EditVersion:
    """Change what describes a version.

    Attributes:
        ref: The version. An edit of a model version stays on that link and never reaches its source.
        metadata: Keys to set.
        remove_metadata: Keys to take away.
        description: A new one, None to take it away.
        ttl: How long it lives, counted from when it was logged; None for ever.
        reason: Why.
    """

    ref: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    remove_metadata: tuple[str, ...] = ()
    description: Text = KEEP
    ttl: Ttl = KEEP
    reason: str | None = None


def check_ttl(ttl: timedelta | None) -> timedelta | None:
    """Return a time to live unchanged if it is one.

    Raises:
        InvalidValueError: It is no positive timedelta of at most 100 years.
    """
    if ttl is None:
        return None
    if not isinstance(ttl, timedelta) or not timedelta(0) < ttl <= _LONGEST:
        raise InvalidValueError(f"{ttl!r} is not a time to live.", hint="Pass timedelta(days=30), or None for ever.")
    return ttl


def edit_version(unit: Unit, command: EditVersion) -> Version:
    """Make the changes and record what was and what is; nothing is written where all stands as wanted already.

    Raises:
        InvalidValueError: A value cannot be used, or a time to live is given to a link.
        NotFoundError: The reference names nothing.
    """
    wanted = plain_dict(command.metadata, "The metadata")
    check_text(command.reason, "The reason")
    if not isinstance(command.description, Keep):
        check_text(command.description, "The description")
    ref = parse_reference(command.ref)
    row = find_collection(unit, ref, lock=True)
    version = get_version(unit, row.id, resolve_number(unit, ref, row.id))
    metadata = {k: v for k, v in version.metadata.items() if k not in command.remove_metadata} | wanted
    before, after = changes(dict(version.metadata), metadata)
    values: dict[str, Any] = {"metadata": metadata} if before or after else {}
    _describe(command, version, values, before, after)
    _expire(command, version, values, before, after)
    if values:
        _write(unit, row, version, values)
        after["details_sha256"] = _details(unit, row, version)
        kind = f"{row.kind}_version.updated"
        unit.record(stream_of(row), kind, version.ref, before=before, after=after, reason=command.reason)
    return get_version(unit, row.id, version.number)


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what differs as an event keeps it: the keys that changed or went, and those that changed or came."""
    gone = {key: value for key, value in old.items() if key not in new or new[key] != value}
    came = {key: value for key, value in new.items() if key not in old or old[key] != value}
    return ({"metadata": gone} if gone else {}), ({"metadata": came} if came else {})


def _describe(
    command: EditVersion, version: Version, values: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    if isinstance(command.description, Keep):
        return
    wanted = command.description
    if wanted is None and version.kind == "model" and version.description is not None:
        wanted = ""  # a link without a text of its own shows its source's; an empty text hides that
    if wanted != version.description:
        values["description"] = wanted
        before["description"], after["description"] = version.description, command.description


def _expire(
    command: EditVersion, version: Version, values: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    if isinstance(command.ttl, Keep):
        return
    if version.kind == "model":
        raise InvalidValueError(
            f"{version.ref} is a link; time to live belongs to its source.", hint=f"Edit {version.source} instead."
        )
    ttl = check_ttl(command.ttl)
    end = version.created_at + ttl if ttl is not None else None
    if end != version.expires_at:
        values["expires_at"] = end
        before["expires_at"], after["expires_at"] = _time(version.expires_at), _time(end)


def _write(unit: Unit, row: Any, version: Version, values: Mapping[str, Any]) -> None:
    m, v = t.memberships.c, t.versions.c
    if version.kind == "model":
        here = (m.collection_id == row.id, m.number == version.number)
        unit.connection.execute(sa.update(t.memberships).where(*here).values(values))
        key, table = {"collection_id": row.id, "number": version.number}, t.member_fields
    else:
        version_id = version_of(unit, row.id, version.number)
        unit.connection.execute(sa.update(t.versions).where(v.id == version_id).values(values))
        key, table = {"version_id": version_id}, t.version_fields
    if "metadata" in values:
        replace_fields(unit, table, key, values["metadata"])


def _details(unit: Unit, row: Any, version: Version) -> str:
    """Return the digest of what the row of a version or link says of its own now."""
    m, v = t.memberships.c, t.versions.c
    here = (m.collection_id == row.id, m.number == version.number)
    if version.kind == "model":
        query = sa.select(m.metadata, m.description, sa.null()).where(*here)
    else:
        own = sa.select(v.metadata, v.description, v.expires_at)
        query = own.join(t.memberships, m.version_id == v.id).where(*here)
    return details_sha256(*unit.connection.execute(query).one())


def _time(time: datetime | None) -> str | None:
    return iso(time) if time is not None else None
