"""The joint of the house: opens one unit of work per call, and publishes what happened after the commit."""

from __future__ import annotations

import atexit
import functools
import logging
import random
import socket
import sys
import time
import uuid
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from podium.content.opening import open_store, same_place
from podium.content.store import ContentStore, Progress, Staged
from podium.delivery.actions import Automations
from podium.delivery.courier import Courier
from podium.delivery.fault_book import Counted, FaultBook
from podium.delivery.observers import Observers
from podium.delivery.worker import Worker
from podium.domain.manifest import Entry
from podium.domain.origin import Origin
from podium.domain.plain import storable
from podium.errors import IntegrityError, PodiumError, SettingsError
from podium.plugins.guard import call_here
from podium.plugins.host import PluginHost
from podium.registry.acting import acting_now
from podium.registry.firings import Hands
from podium.settings import Settings
from podium.sql.database import Database
from podium.sql.errors import is_transient
from podium.usecases import firings, garbage, records
from podium.usecases.unit import Unit

_log = logging.getLogger("podium.registry")
_CONTENT = "content"
_OWNER = "content_owner"
_DELIVERY_SECONDS = 5.0  # for what is sent from this process, which waits so long for it at its end
_MOMENT_SECONDS = 0.5  # how long a change waits for its own messages
_PAUSES = (0.01, 0.03, 0.1, 0.3, 1.0)  # seconds between attempts at one unit
_STORE_ATTEMPTS = 3
_PATIENCE_SECONDS = 10.0  # a lock that was not had for a whole minute is not waited for again
T = TypeVar("T")


class Joint:
    """What every part of the registry shares: settings, database, content, plugins.

    Synchronous, thread-safe, and safe across forks. Opening it touches nothing; the first call does.

    Args:
        settings: Where things are.
        host: The plugins.
    """

    def __init__(self, settings: Settings, host: PluginHost) -> None:
        self.settings = settings
        self.host = host
        self._database = Database(settings.url)
        self._store: ContentStore | None = None
        self._courier = Courier(_MOMENT_SECONDS)
        self._faults = FaultBook(self.host, self._write_faults)
        self._observers = Observers(self.host, self._faults, _DELIVERY_SECONDS)
        self._automations = Automations(self.host, Hands(self, now))
        self._worker = Worker(self._database, self.host, now, self._automations, settings.schedule)
        atexit.register(_wait_at_exit, weakref.ref(self))

    @property
    def url(self) -> str:
        """The database, without its password."""
        return self._database.where

    @property
    def content(self) -> str:
        """The content location in force."""
        return self._content().location

    def close(self) -> None:
        """Wait a moment for messages on their way, then close the connections. The registry can be used again."""
        self._courier.wait(_DELIVERY_SECONDS)
        self._observers.wait()
        self._database.dispose()

    def upgrade(self) -> tuple[str | None, str]:
        """Bring the schema of the database to this Podium's, and return the revisions before and after.

        Raises:
            DatabaseUnavailableError: The database cannot be reached.
            SchemaOutdatedError: The database is newer than this Podium.
        """
        return self._database.upgrade()

    def _change(self, verb: Callable[[Unit], T]) -> T:
        """Run a verb in a unit of its own; after the commit, tell observers and send what is due.

        The whole unit is done again, a few times, when the database asks for that: a race between two first uses of a
        name, a deadlock, a lock not had at once. Nothing of the attempt before is left by then.
        """
        origin, started = self._origin(), time.monotonic()
        for pause in (*_PAUSES, None):
            try:
                with self._database.write() as connection:
                    unit = Unit(connection, self._actor(), origin, now(), self.host.vetoes)
                    answer = verb(unit)
                break
            except PodiumError as error:
                waited = time.monotonic() - started
                if pause is None or not is_transient(error) or waited > _PATIENCE_SECONDS:
                    raise
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads rivals, guards nothing
        self._published(unit)
        return answer

    @contextmanager
    def _read(self) -> Iterator[Unit]:
        with self._database.read() as connection:
            yield Unit(connection, self.settings.actor, Origin(), now())

    @contextmanager
    def _snapshot(self) -> Iterator[Unit]:
        """Open a unit that only reads, and sees one moment of the database however many statements it takes."""
        with self._database.snapshot() as connection:
            yield Unit(connection, self.settings.actor, Origin(), now())

    def _store_and_change(
        self,
        staged: Sequence[Staged],
        verb: Callable[[Unit], T],
        progress: Progress | None = None,
        carried: Sequence[Entry] = (),
    ) -> T:
        """Store files durably, then run a verb that refers to them, safe beside garbage collection.

        Args:
            staged: The files.
            verb: What refers to them.
            progress: Told the bytes stored.
            carried: Contents that must be in the store already; their bytes are not needed.

        Raises:
            IntegrityError: A carried content is not in the store.
        """
        store, contents = self._content(), [(item.sha256, item.size) for item in staged]
        contents += [(entry.sha256, entry.size) for entry in carried]

        def refer(unit: Unit) -> tuple[bool, T | None]:
            if garbage.content_is_untouched(unit, mark) or not store.missing(contents):
                return True, verb(unit)
            if not last:
                return False, None
            # Others may wait meanwhile, but collections that spare nothing cannot take the files once more.
            store.put(list(staged), progress)
            _require_stored(store, carried)
            return True, verb(unit)

        for attempt in range(_STORE_ATTEMPTS):
            last = attempt == _STORE_ATTEMPTS - 1
            with self._read() as unit:
                mark = garbage.read_mark(unit)
            store.put(list(staged), progress)
            _require_stored(store, carried)  # after the mark was read: what goes later is seen in the transaction
            done, answer = self._change(refer)
            if done:
                break
        return cast("T", answer)

    def _actor(self) -> str:
        acting = acting_now()
        return self.settings.actor if acting is None else acting.actor

    def _origin(self) -> Origin:
        acting = acting_now()
        if acting is not None:
            return acting.origin
        origin = self.host.origin()
        return script_origin() if origin.kind == "script" else origin

    def _published(self, unit: Unit) -> None:
        events = list(unit.events)
        self._observers.tell(events)
        if unit.deliveries:
            self._courier.run(lambda: self._send([event.id for event in events]))
        self._faults.soon()

    def _send(self, events: list[str]) -> None:
        self._worker.deliver_due(events, seconds=_DELIVERY_SECONDS)
        self._faults.soon()

    def _tell_of(self, ids: Sequence[str]) -> None:
        """Tell observers of events that another part of this process recorded."""
        if self.host.observers():
            with self._read() as unit:
                events = [firings.find_event(unit, event) for event in ids]
            self._observers.tell(events)

    def _write_faults(self, faults: Counted) -> None:
        with self._database.write() as connection:
            unit = Unit(connection, self.settings.actor, Origin(), now())
            for (plugin, hook), (error, times) in faults.items():
                records.record_fault(unit, plugin, hook, error, times)

    def _content(self) -> ContentStore:
        """Return the content store; its location is written into the database at first use.

        Raises:
            SettingsError: This process is configured for another location than the database records.
            StorageError: The location cannot be used; nothing was written.
        """
        if self._store is None:
            with self._read() as unit:
                recorded, owner = records.read_setting(unit, _CONTENT), records.read_setting(unit, _OWNER)
            if recorded is None:
                wanted = self._first_place()
                owner = owner or self._change(_name_owner)
                open_store(wanted).claim(owner, fresh=True)  # what is recorded now holds for everybody: it must work
                portable = self._portable(wanted)
                recorded = self._change(lambda unit: records.remember_setting(unit, _CONTENT, portable))
            asked, place = self.settings.content, self._beside(recorded)
            if asked is not None and not same_place(asked, place):
                raise SettingsError(
                    f"The content of this database lies in {place}, but this process is configured for {asked}.",
                    hint="Set PODIUM_CONTENT to the recorded place, or leave it out.",
                    recorded=place,
                )
            store = open_store(place)
            owner = owner or self._new_owner()
            if owner is not None:
                store.claim(owner, fresh=False)
            self._store = store
        return self._store

    def _new_owner(self) -> str | None:
        """Name the owner of a place that was recorded before places had one; None for who may not write."""
        try:
            return self._change(_name_owner)
        except PodiumError as error:
            if error.retryable and not error.facts.get("read_only"):  # a standby is there to be read
                raise  # the database is away for everybody; that says nothing about rights
            return None

    def _first_place(self) -> str:
        """Return where content shall be kept from now on, for everybody.

        Raises:
            SettingsError: Nobody said where, and others who share the database would not reach a folder of this one.
        """
        if self.settings.content is None and not self._database.is_sqlite:
            raise SettingsError(
                f"Nobody said yet where the content of {self._database.where} is kept.",
                hint="Set PODIUM_CONTENT for the first call to a place that every machine reaches, such as "
                "s3://BUCKET/PREFIX or a mounted folder; the database records it.",
            )
        return self.settings.content or self.settings.default_content

    def _portable(self, place: str) -> str:
        """Return how a content folder is recorded: one beside an SQLite file relative to it, so that both can move."""
        beside = Path(self._database.url.database or "").parent
        if "://" in place or not self._database.is_sqlite or not Path(place).is_relative_to(beside):
            return place
        return str(Path(place).relative_to(beside))

    def _beside(self, recorded: str) -> str:
        if "://" in recorded:
            return recorded
        return str(Path(self._database.url.database or "").parent / recorded)


def _name_owner(unit: Unit) -> str:
    return records.remember_setting(unit, _OWNER, str(uuid.uuid4()))


def now() -> datetime:
    """Return the time, UTC."""
    return datetime.now(UTC)


def script_origin() -> Origin:
    """Return the origin of a call that no orchestrator knows of."""
    return _script_origin(sys.argv[0] if sys.argv and sys.argv[0] not in ("", "-c", "-m") else "python")


@functools.lru_cache(maxsize=8)  # the same for each call of a process
def _script_origin(program: str) -> Origin:
    path = Path(program)
    script = path.parent.name if path.name == "__main__.py" else path.name  # python -m package
    known = {"script": storable(script), "host": storable(socket.gethostname())}
    return Origin("script", f"script {known['script']}", details=known)


def _require_stored(store: ContentStore, carried: Sequence[Entry]) -> None:
    absent = set(store.missing((entry.sha256, entry.size) for entry in carried))
    for entry in carried:
        if entry.sha256 in absent:
            raise IntegrityError(
                f"The content of {entry.path!r} is not in the store {store.location}.",
                hint="It was given up by 'podium gc', or belongs to another registry: add the file itself.",
                path=entry.path,
                sha256=entry.sha256,
            )


def _wait_at_exit(reference: weakref.ref[Any]) -> None:
    joint = reference()
    if joint is not None:
        outcome = call_here(joint.close)
        if outcome.error is not None:
            _log.warning("Closing %s at the end of the process failed: %s", joint.url, outcome.error)
