"""Looking things up that other verbs wrote: events, stored content, faults of plugins, the settings of the database."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from podium.domain.events import Event
from podium.domain.manifest import Entry
from podium.domain.plain import Value
from podium.sql import tables as t
from podium.sql.rows import to_entry, to_event
from podium.sql.write import insert_missing, upsert
from podium.usecases.places import collection_reference, find_collection
from podium.usecases.unit import Unit

FAULT_DAYS = 30  # after so many without a further one, a fault of a plugin is no news
_PAGE = 50_000  # contents that are held in memory at once, about


@dataclass(frozen=True, slots=True)
class RecordedFault(Value):
    """A plugin that raised, hung or exited while it was told about a change.

    Attributes:
        plugin: Its name.
        hook: The hook.
        error: What it said the last time.
        count: How often.
        last_at: UTC.
    """

    plugin: str
    hook: str
    error: str
    count: int
    last_at: datetime


def list_events(unit: Unit, collection: str) -> list[Event]:
    """Return the events of an artifact or model, oldest first.

    Raises:
        NotFoundError: There is none.
    """
    row = find_collection(unit, collection_reference(collection), deleted=True)
    e = t.events.c
    query = sa.select(t.events).where(e.stream == row.id).order_by(e.sequence)
    return [to_event(found) for found in unit.connection.execute(query)]


def count_versions(unit: Unit) -> int:
    """Return how many artifact versions there are whose content is kept, deleted ones that can be restored included."""
    kept = sa.select(sa.func.count()).select_from(t.versions).where(t.versions.c.purged_at.is_(None))
    return int(unit.connection.execute(kept).scalar_one())


def content_pages(unit: Unit) -> list[tuple[str, str | None]]:
    """Return ranges of SHA-256 in which `list_contents` goes through everything, not all in memory at once."""
    entries = sa.select(sa.func.count()).select_from(t.manifest_entries)
    count = int(unit.connection.execute(entries).scalar_one())
    digits = 0 if count < _PAGE else 1 if count < 16 * _PAGE else 2
    bounds = ["", *(f"{number:0{digits}x}" for number in range(1, 16**digits))]
    return list(zip(bounds, [*bounds[1:], None], strict=True))


def list_contents(unit: Unit, page: tuple[str, str | None] = ("", None)) -> Iterator[tuple[str, Entry]]:
    """Yield each content that is kept once, and each reference, with a version or a run that holds it.

    Args:
        unit: The unit.
        page: From which SHA-256 on, and before which one.
    """
    e, v, c, n = t.manifest_entries.c, t.versions.c, t.collections.c, t.namespaces.c
    columns = (e.path, e.size, e.sha256, e.uri, e.integrity, e.etag)
    here = [e.sha256 >= page[0], *([e.sha256 < page[1]] if page[1] is not None else [])]
    in_versions = (
        sa.select((n.name + "/" + c.name + ":v" + sa.cast(v.number, sa.String)).label("holder"), *columns)
        .join(t.versions, v.digest == e.digest)
        .join(t.collections, c.id == v.collection_id)
        .join(t.namespaces, n.id == c.namespace_id)
        .where(v.purged_at.is_(None), *here)
    )
    media = t.run_media.c
    in_runs = sa.select(("run " + media.run_id + " " + media.name).label("holder"), *columns).join(
        t.run_media, media.digest == e.digest
    )
    in_runs = in_runs.where(*here)
    last = None
    for row in unit.connection.execute(sa.union_all(in_versions, in_runs).order_by("sha256", "uri")):
        key = (row.sha256, row.uri)
        if key != last:
            last = key
            yield row.holder, to_entry(row)


def list_lost_manifests(unit: Unit) -> list[tuple[str, str]]:
    """Return the versions and media of runs whose manifest somebody took away, with the digest that it had."""
    v, c, n, media = t.versions.c, t.collections.c, t.namespaces.c, t.run_media.c
    known = sa.select(t.manifests.c.digest)
    versions = (
        sa.select(n.name + "/" + c.name + ":v" + sa.cast(v.number, sa.String), v.digest)
        .join(t.collections, c.id == v.collection_id)
        .join(t.namespaces, n.id == c.namespace_id)
        .where(v.purged_at.is_(None), v.digest.not_in(known))
    )
    runs = sa.select("run " + media.run_id + " " + media.name, media.digest).where(media.digest.not_in(known))
    return [(str(holder), str(digest)) for holder, digest in unit.connection.execute(sa.union_all(versions, runs))]


def remember_setting(unit: Unit, key: str, value: str) -> str:
    """Write a setting of the database if it has none yet, and return the one it has."""
    insert_missing(unit.connection, t.settings, [{"key": key, "value": value}])
    return read_setting(unit, key) or value


def read_setting(unit: Unit, key: str) -> str | None:
    """Return a setting of the database, or None."""
    value: str | None = unit.connection.execute(sa.select(t.settings.c.value).where(t.settings.c.key == key)).scalar()
    return value


def record_fault(unit: Unit, plugin: str, hook: str, error: str, times: int = 1) -> None:
    """Count a fault of a plugin that came so many times."""
    f = t.plugin_faults.c
    query = sa.select(f.count).where(f.plugin == plugin, f.hook == hook).with_for_update()
    count = unit.connection.execute(query).scalar() or 0
    row = {"plugin": plugin, "hook": hook, "error": error[:2000], "count": count + times, "last_at": unit.now}
    upsert(unit.connection, t.plugin_faults, [row])


def list_faults(unit: Unit, plugins: Collection[str] | None = None) -> list[RecordedFault]:
    """Return the faults of plugins, by plugin and hook.

    Args:
        unit: The unit.
        plugins: Only those of these plugins that came in the last `FAULT_DAYS`.
    """
    f = t.plugin_faults.c
    query = sa.select(f.plugin, f.hook, f.error, f.count, f.last_at).order_by(f.plugin, f.hook)
    if plugins is not None:
        query = query.where(f.plugin.in_(plugins), f.last_at >= unit.now - timedelta(days=FAULT_DAYS))
    return [RecordedFault(*row) for row in unit.connection.execute(query)]
