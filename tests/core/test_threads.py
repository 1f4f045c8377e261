"""Threads of one process with random verbs: no hang, no error that is not documented, and the rows fit together."""

from __future__ import annotations

import random
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from podium.domain.events import GENESIS, event_hash
from podium.errors import AlreadyExistsError, ConflictError, IntegrityError, InvalidValueError, NotFoundError
from podium.registry import Registry

pytestmark = pytest.mark.slow
THREADS, SECONDS, PATIENCE = 6, 8.0, 60.0
ARTIFACTS, MODELS = ("p/a", "p/b", "p/c"), ("model-registry/M", "model-registry/N")
GC = {"keep_deleted": timedelta(seconds=0.3), "older_than": timedelta(0)}
# What anybody may get who acts beside others: it is gone, held, or taken by now.
ALWAYS = (NotFoundError, InvalidValueError)
MORE: dict[str, tuple[type[Exception], ...]] = {
    "rename": (AlreadyExistsError,),
    "gc": (ConflictError,),  # another collection began
    "link": (ConflictError,),  # the source was deleted or renamed at this very moment
    "rollback": (ConflictError, IntegrityError),  # the stage moved meanwhile; no earlier holder is intact
    "download": (IntegrityError,),  # deleted and collected while it was read
}


class Skipped(Exception):
    """The dice said not now."""


class Hand(threading.Thread):
    """One thread that calls verbs by the throw of its dice, and counts how they end.

    Args:
        registry: Shared with another thread, or its own.
        seed: Of the dice.
        folder: For its files.
        until: When it stops.
    """

    def __init__(self, registry: Registry, seed: int, folder: Path, until: float) -> None:
        super().__init__(daemon=True, name=f"hand {seed}")
        self.registry, self.dice, self.until = registry, random.Random(seed), until
        self.folder = folder / f"hand{seed}"
        self.folder.mkdir()
        self.done: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.newest: Counter[str] = Counter()
        self.verbs = self.in_artifacts() | self.on_versions() | self.of_collections()

    def run(self) -> None:
        while time.monotonic() < self.until:
            verb = self.dice.choice(list(self.verbs))
            try:
                self.verbs[verb]()
                self.done[verb] += 1
            except (Skipped, *ALWAYS, *MORE.get(verb, ())):
                pass
            except BaseException:
                self.errors[f"{verb}: {traceback.format_exc()}"] += 1

    def place(self) -> str:
        return self.dice.choice(ARTIFACTS + MODELS)

    def ref(self, places: tuple[str, ...] = ARTIFACTS + MODELS) -> str:
        """One of the newest versions of some collection."""
        place = self.dice.choice(places)
        newest = self.newest[place]
        number = self.dice.randint(max(0, newest - 5), newest)
        return f"{place}:latest" if self.dice.random() < 0.25 else f"{place}:v{number}"

    def file(self) -> Path:
        path = self.folder / f"{self.dice.randrange(12)}" / "model.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"content {path.parent.name}")
        return path

    def log(self) -> None:
        aliases, tags = self.dice.choice([(), ("best",)]), self.dice.choice([(), ("t",)])
        version = self.registry.log(self.dice.choice(ARTIFACTS), self.file(), aliases=aliases, tags=tags)
        self.newest[version.collection] = version.number

    def link(self) -> None:
        aliases = self.dice.choice([(), ("candidate",)])
        version = self.registry.link(self.ref(), self.dice.choice(MODELS), aliases=aliases)
        self.newest[version.collection] = version.number

    def sometimes(self, chance: float, call: Callable[[], object]) -> None:
        if self.dice.random() > chance:
            raise Skipped
        call()

    def in_artifacts(self) -> dict[str, Callable[[], object]]:
        registry, force = self.registry, lambda: self.dice.random() < 0.4
        return {
            "log": self.log,
            "link": self.link,
            "delete": lambda: registry.delete(self.ref(ARTIFACTS), force=force(), reason="r"),
            "unlink": lambda: registry.unlink(self.ref(MODELS), force=force(), reason="r"),
            "restore": lambda: registry.restore(self.ref()),
            "gc": lambda: self.sometimes(0.15, lambda: registry.gc(**GC)),
            "download": lambda: registry.download(self.ref(), self.folder / f"out{self.done['download'] % 3}"),
        }

    def on_versions(self) -> dict[str, Callable[[], object]]:
        registry = self.registry
        return {
            "set_alias": lambda: registry.set_alias(self.ref(), "best"),
            "remove_alias": lambda: registry.remove_alias(self.place(), "best"),
            "promote": lambda: registry.promote(self.ref(MODELS), "production"),
            "rollback": lambda: registry.rollback(self.dice.choice(MODELS), "production"),
            "record_check": lambda: registry.record_check(self.ref(), "c", "pass"),
            "tag": lambda: registry.tag(self.ref(), "x"),
            "untag": lambda: registry.untag(self.ref(), "x"),
            "edit": lambda: registry.edit(self.ref(), metadata={"k": self.dice.random()}),
        }

    def of_collections(self) -> dict[str, Callable[[], object]]:
        registry, new = self.registry, lambda: self.dice.choice(["a", "b", "M", "N"])
        return {
            "delete_collection": lambda: self.sometimes(
                0.05, lambda: registry.delete_collection(self.place(), force=True, reason="r")
            ),
            "restore_collection": lambda: registry.restore_collection(self.place()),
            "rename": lambda: self.sometimes(0.02, lambda: registry.rename(self.place(), new())),
            "versions": lambda: registry.versions(self.place()),
        }


def stacks(hands: list[Hand]) -> str:
    """Where each thread that did not end stands."""
    frames = sys._current_frames()
    alive = [hand for hand in hands if hand.is_alive()]
    return "\n".join(f"{hand.name}\n{''.join(traceback.format_stack(frames[hand.ident or 0]))}" for hand in alive)


@pytest.fixture
def hands(registry: Registry, database_url: str, open_at: Callable[..., Registry], tmp_path: Path) -> list[Hand]:
    """Threads that have acted at once, on three registries that two share each; a hang fails with their stacks."""
    registry.log("p/a", _first_file(tmp_path))
    shared, until = [registry, open_at(database_url), open_at(database_url)], time.monotonic() + SECONDS
    several = [Hand(shared[seed % 3], seed, tmp_path, until) for seed in range(THREADS)]
    for hand in several:
        hand.start()
    for hand in several:
        hand.join(max(0.0, until + PATIENCE - SECONDS - time.monotonic()))
    if hanging := stacks(several):
        pytest.fail(f"These hang:\n{hanging}")
    return several


def _first_file(folder: Path) -> Path:
    path = folder / "model.bin"
    path.write_text("first")
    return path


# Each query finds what must not be.
MEMBERS = "select {} from memberships m where m.collection_id = c.id"
BROKEN = {
    "a live link to a deleted version": "select m.number from memberships m join versions v on v.id = m.version_id "
    "where m.deleted_at is null and v.deleted_at is not null",
    "a deleted place of a live version": "select v.number from memberships m join versions v on v.id = m.version_id "
    "where m.collection_id = v.collection_id and m.deleted_at is not null and v.deleted_at is null",
    "a live version without content": "select number from versions where purged_at is not null and deleted_at is null",
    "an alias of a deleted version": "select a.name from aliases a join memberships m "
    "on m.collection_id = a.collection_id and m.number = a.number where m.deleted_at is not null",
    "an alias elsewhere than its last move": "select a.name from aliases a where a.number <> coalesce("
    "(select m.after from alias_moves m where m.collection_id = a.collection_id and m.name = a.name "
    "order by m.revision desc limit 1), -1)",
    "a wrong count": "select c.name from collections c where c.live <> "
    f"({MEMBERS.format('count(*)')} and m.deleted_at is null)",
    "a wrong latest": "select c.name from collections c where coalesce(c.latest, -1) <> "
    f"coalesce(({MEMBERS.format('max(m.number)')} and m.deleted_at is null), -1)",
    "a number to be used again": "select c.name from collections c where c.next_number <= "
    f"({MEMBERS.format('max(m.number)')})",
    "a live version of a deleted collection": "select c.name from collections c join memberships m "
    "on m.collection_id = c.id where c.deleted_at is not null and m.deleted_at is null",
    "a stream whose end is not its last event": "select c.name from collections c left join events e "
    "on e.stream = c.id and e.sequence = c.sequence where e.hash is null or e.hash <> c.head",
}


def test_random_verbs_in_threads(hands: list[Hand], registry: Registry) -> None:
    """8 s of all verbs in 6 threads: documented errors only; counters, links, aliases, chains and bytes are right."""
    done: Counter[str] = sum((hand.done for hand in hands), Counter())
    print(done.total(), "calls:", dict(done))
    assert [dict(hand.errors) for hand in hands] == [{}] * THREADS
    assert set(done) >= set(hands[0].verbs) - {"rename"}, "every verb must have worked; names are mostly taken"
    with registry._database.read() as connection:
        found = {label: connection.execute(sa.text(query)).all() for label, query in BROKEN.items()}
    assert {label: rows for label, rows in found.items() if rows} == {}
    for item in registry.collections() + registry.collections(deleted=True):
        check_chain(registry, item.ref)
    assert registry.verify().problems == ()


def check_chain(registry: Registry, ref: str) -> None:
    """The events of a collection are numbered without a gap, and each names the hash of the one before."""
    events = registry.events(ref)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert [event.previous for event in events] == [GENESIS, *(event.hash for event in events[:-1])]
    assert all(event.hash == event_hash(event) for event in events)
