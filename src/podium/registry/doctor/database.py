"""What the database says: its schema, its clock, its soundness, and work that nobody took up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

from podium.domain.health import Finding
from podium.errors import PodiumError
from podium.registry.doctor.case import Case, amount, fault, fine, told, warning
from podium.sql.schema import HEAD
from podium.usecases import health, records

_SKEW = timedelta(seconds=5)
_LATE = timedelta(minutes=10)
_LONG_GC = timedelta(hours=6)
_NOTHING = "no change of yours was held up by it"
_HELD_UP = {
    "podium_check_promotion": "promotions were refused in its name meanwhile",
    "loading": "a gate that is not loaded in time refuses promotions, and messages for its channels wait",
    "podium_channels": "messages that need its channels wait",
    "podium_actions": "automations that need its actions wait",
    "podium_resolve_secret": "attempts that need its secrets failed",
}
_OLDEST_SQLITE, _OLDEST_POSTGRES = (3, 38), (14,)


def reach_database(case: Case) -> tuple[list[Finding], bool]:
    """Look whether the database can be reached and its schema fits; only then are the other checks of use."""
    path = case.database_file
    if path is not None and not os.path.exists(path):
        return [], False  # to connect would make it; `check_database_file` tells
    try:
        found = case.database.current()
    except PodiumError as error:
        return [told("database", error)], False
    reached = fine("database", f"{case.database.where} can be reached.")
    facts = {"found": found, "needed": HEAD}
    if found == HEAD:
        return [reached, fine("schema", f"The schema is {found}, as this Podium needs it.", **facts)], True
    if found is None:
        hint = "Run 'podium init'." if case.database.is_sqlite else "Run 'podium init', or 'podium db upgrade'."
        return [reached, fault("schema", "The database does not have Podium's schema yet.", hint, **facts)], False
    if found < HEAD:
        message = f"The schema is {found}; this Podium needs {HEAD} and refuses to work on an older one."
        return [reached, fault("schema", message, "Make a backup, then run 'podium db upgrade'.", **facts)], False
    message = f"The schema is {found}, newer than this Podium knows ({HEAD})."
    return [reached, fault("schema", message, "Upgrade Podium: pip install --upgrade podium.", **facts)], False


def check_clock(case: Case) -> Iterator[Finding]:
    """Compare our clock with that of the server and with the newest event."""
    hint = "Let both machines keep time by NTP; order is by sequence, but expiry, deliveries and gc go by the clock."
    with case.unit() as unit:
        ahead, newest = health.clock_difference(unit), health.newest_event(unit)
    if abs(ahead) > _SKEW:
        how = "ahead of" if ahead > timedelta(0) else "behind"
        message = f"The clock of the database server is {_span(abs(ahead))} {how} ours."
        yield warning("clock", message, hint, seconds=ahead.total_seconds())
    elif newest is not None and newest > case.now + _SKEW:
        message = f"The newest event is {_span(newest - case.now)} in the future: some clock was or is wrong."
        yield warning("clock", message, hint, newest=newest)
    else:
        yield fine("clock", "The clocks agree.", seconds=ahead.total_seconds())


def check_engine(case: Case) -> Iterator[Finding]:
    """Look whether the database itself is new enough, sound, and keeps what it acknowledged."""
    with case.unit() as unit:
        embedded, version = health.is_sqlite(unit), health.server_version(unit)
        text = ".".join(map(str, version))
        if not embedded:
            off = health.not_durable(unit)
        elif version >= _OLDEST_SQLITE:
            damage, journal = health.sqlite_damage(unit), health.sqlite_journal(unit)
    name, oldest = ("SQLite", _OLDEST_SQLITE) if embedded else ("PostgreSQL", _OLDEST_POSTGRES)
    if version < oldest:
        needed = ".".join(map(str, oldest))
        hint = "Use a newer Python." if embedded else "Upgrade the server."
        yield fault("engine", f"{name} is {text}; Podium needs {needed} or newer.", hint, version=text)
    elif embedded:
        yield from _sqlite(case, text, damage, journal)
    elif off:
        message = f"The server has {', '.join(off)} turned off: a power cut may lose what Podium acknowledged."
        yield warning("engine", message, "Turn it on, unless this is a test server.", off=off)
    else:
        yield fine("engine", f"PostgreSQL {text} keeps what it acknowledges.", version=text)


def check_gc(case: Case) -> Iterator[Finding]:
    """Look for a garbage collection that was killed on its way."""
    with case.unit() as unit:
        since = health.gc_since(unit)
    if since is None:
        yield fine("gc", "No garbage collection was left unfinished.")
    elif case.now - since < _LONG_GC:
        yield fine("gc", f"A garbage collection runs since {since:%Y-%m-%d %H:%M} UTC.", since=since)
    else:
        message = f"A garbage collection began on {since:%Y-%m-%d %H:%M} UTC and never ended."
        yield warning(
            "gc", message, "Run 'podium gc'; until then each 'log' looks twice, and nothing is lost.", since=since
        )


def check_deliveries(case: Case) -> Iterator[Finding]:
    """Look for messages that nobody sends."""
    with case.unit() as unit:
        found = health.overdue_deliveries(unit, case.now - _LATE)
    if found.late:
        message = f"{amount(found.late, 'message')} should have gone out since {found.since:%Y-%m-%d %H:%M} UTC."
        yield warning(
            "deliveries",
            message,
            "Run 'podium deliver', from cron or as a service; 'podium deliveries ls --late' says what they wait for.",
            late=found.late,
        )
    if found.dead:
        hint = "'podium deliveries ls --status dead' says why; 'podium deliveries retry' sends them again."
        yield warning("deliveries", f"{amount(found.dead, 'message')} could not be delivered.", hint, dead=found.dead)
    if not found.late and not found.dead:
        yield fine("deliveries", "No message is overdue.")


def check_plugin_faults(case: Case) -> Iterator[Finding]:
    """Look what plugins did wrong while they were told about changes."""
    with case.unit() as unit:
        faults = records.list_faults(unit, case.host.taken())
    for item in faults:
        times = amount(item.count, "time")
        message = (
            f"The plugin {item.plugin!r} failed {times} in {item.hook}, last on {item.last_at:%Y-%m-%d}: {item.error}."
        )
        hint = (
            f"Repair it; {_HELD_UP.get(item.hook, _NOTHING)}. "
            f"Without a further one it is left out after {records.FAULT_DAYS} days."
        )
        yield warning("plugin faults", message, hint, plugin=item.plugin)
    if not faults:
        yield fine("plugin faults", f"No plugin failed in a call of the last {records.FAULT_DAYS} days.")


def _sqlite(case: Case, version: str, damage: list[str], journal: str) -> Iterator[Finding]:
    if damage:
        message = f"The database file is damaged: {'; '.join(damage)}."
        hint = "Stop all writers, keep a copy of the file, and restore a backup (or try sqlite3's '.recover')."
        yield fault("engine", message, hint, damage=damage)
    elif journal != "wal":
        message = f"The journal of the database is {journal!r} and cannot be switched to WAL here."
        hint = "Readers and the writer wait for each other; move the file to a local disk."
        yield warning("engine", message, hint, journal=journal)
    else:
        yield fine("engine", f"SQLite {version} finds its file sound.", version=version)


def _span(time: timedelta) -> str:
    seconds = time.total_seconds()
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return amount(int(seconds // size), word)
    return amount(int(seconds), "second")
