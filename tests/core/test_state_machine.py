"""Any sequence of verbs leaves on each database what a plain model in dictionaries says, errors included.

PODIUM_TEST_EXAMPLES changes the number of examples, PODIUM_TEST_SEED draws others; without a seed a run repeats.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from podium.domain.events import GENESIS, event_hash
from podium.domain.versions import AliasMove, Version
from podium.domain.versions import Collection as Shown
from podium.errors import PodiumError
from podium.plugins.host import PluginHost
from podium.registry import Registry, open_registry
from podium.sql import tables as t
from podium.sql.versions import load_versions
from podium.usecases.garbage import GcReport
from podium.usecases.places import list_collections
from tests.core.oracle import CONTENTS, Collection, Oracle, Refused

pytestmark = pytest.mark.slow
EXAMPLES = int(os.environ.get("PODIUM_TEST_EXAMPLES", "300"))
ARTIFACTS = ["p/a", "p/a", "p/b", "q/a", "model-registry/a"]
MODELS = ["model-registry/M", "model-registry/M", "model-registry/N", "model-registry/m", "data/D", "nowhere/X"]
ALIASES = [*["best"] * 4, *["old"] * 3, "production", "latest", "v1"]
TAGS = st.lists(st.sampled_from(["eu", "gold"]), min_size=1, max_size=2)
METADATA = st.dictionaries(st.sampled_from(["k", "n"]), st.sampled_from([1, 2.5, None, "x", [1]]), max_size=2)
FORCE = st.sampled_from([{}, {}, {"force": True, "reason": "wrong data"}, {"force": True}])
COUNTS = sa.select(
    sa.select(sa.func.count())
    .where(t.events.c.stream.in_(sa.select(t.collections.c.id)))
    .select_from(t.events)
    .scalar_subquery()
    .label("events"),
    sa.select(sa.func.count()).select_from(t.alias_moves).scalar_subquery().label("moves"),
)
ALL = {"keep_deleted": timedelta(0), "older_than": timedelta(0)}


class Place:
    """One database with its content, used for every example: opened, and emptied between them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.content, self.files = url, folder / "content", folder / "files"
        for name, files in CONTENTS.items():
            for path, data in files.items():
                (self.files / name / path).parent.mkdir(parents=True, exist_ok=True)
                (self.files / name / path).write_bytes(data)
        self.registry = self.open()
        self.registry.log("p/first", self.files_of("one"))  # writes the place of the content down
        self.tables = [table for table in t.metadata.sorted_tables if table.name != "settings"]

    def open(self) -> Registry:
        return open_registry(self.url, content=self.content, actor="ann", host=PluginHost(discover=False))

    def reopen(self) -> None:
        self.registry.close()
        self.registry = self.open()

    def files_of(self, name: str) -> dict[str, Path]:
        return {path: self.files / name / path for path in CONTENTS[name]}

    def empty(self) -> None:
        """Leave what a new database has: the one registry."""
        with self.registry._database.write() as connection:
            first = sa.select(t.namespaces).where(t.namespaces.c.name == "model-registry")
            row = connection.execute(first).mappings().one()
            for table in reversed(self.tables):
                connection.execute(sa.delete(table))
            connection.execute(sa.insert(t.namespaces), [{**row, "sequence": 0, "head": GENESIS}])
        shutil.rmtree(self.content / "blobs", ignore_errors=True)


class Machine(RuleBasedStateMachine):
    """The rules; each does one thing to the registry and to the oracle and compares what both say."""

    place: Place

    def __init__(self) -> None:
        super().__init__()
        self.place.empty()
        self.oracle = Oracle()
        self.opened = 0  # verbs since the registry was opened
        self.moments: list[tuple[datetime, dict[int, dict[str, int | None]]]] = []
        self.registry.create_registry("data", types=["dataset"])
        self.oracle.registries["data"] = ("dataset",)

    def teardown(self) -> None:
        for item in self.oracle.collections:
            self.compare(item)
        assert self.registry.verify().problems == ()

    @property
    def registry(self) -> Registry:
        return self.place.registry

    def do(self, verb: str, *arguments: Any, **named: Any) -> None:
        """Call a verb of both and compare the class of error, or what comes back."""
        try:
            wanted = getattr(self.oracle, verb)(*arguments, **named)
        except Refused as refused:
            wanted = str(refused)
        if verb == "log":
            arguments = (arguments[0], self.place.files_of(arguments[1]))
        self.compare_answer(wanted, lambda: getattr(self.registry, verb)(*arguments, **named))

    def compare_answer(self, wanted: Any, call: Callable[[], Any]) -> None:
        try:
            answer = shape(call())
        except PodiumError as error:
            answer = type(error).__name__
        if wanted is not None:
            assert answer == wanted
        else:
            assert not isinstance(answer, str)

    def place_of(self, data: st.DataObject) -> str:
        """Some collection, most often one that is there; or one that was, or that never was."""
        there = [item.ref for item in self.oracle.collections if item.deleted is None]
        gone = [item.ref for item in self.oracle.collections if item.deleted is not None]
        given_up = [f"{space}/{name}" for space, name in self.oracle.given_up]
        return data.draw(st.sampled_from([*there * 4, *gone, *given_up, "p/none"]))

    def version_of(self, data: st.DataObject) -> str:
        """Some version, most often one that is there: by number, by alias, as the newest, in silence."""
        place = self.place_of(data)
        found = next((item for item in self.oracle.collections if item.ref == place), None)
        if found is None:
            return place + data.draw(st.sampled_from([":v0", "", ":best"]))
        names = [f":v{number}" for number in [*found.live * 3, *found.members, found.next]]
        return place + data.draw(
            st.sampled_from([*names, *(f":{name}" for name in found.aliases), ":latest", "", ":old"])
        )

    @initialize(
        contents=st.lists(st.sampled_from(sorted(CONTENTS)), min_size=1, max_size=3),
        type=st.sampled_from(["model", "dataset"]),
        models=st.sampled_from([[], ["model-registry/M"], ["model-registry/M", "model-registry/N"]]),
    )
    def begin(self, contents: list[str], type: str, models: list[str]) -> None:
        """Something to begin with, so that few verbs meet nothing at all."""
        more = {"type": type, "on_duplicate": "new", "aliases": [], "tags": [], "metadata": {}}
        for content in contents:
            self.do("log", "p/a", content, **more)
        for model in models:
            self.do("link", "p/a", model, [])

    @rule(
        artifact=st.sampled_from(ARTIFACTS),
        content=st.sampled_from(sorted(CONTENTS)),
        type=st.sampled_from(["model"] * 4 + ["dataset"]),
        on_duplicate=st.sampled_from(["reuse", "reuse", "new", "new", "error"]),
        aliases=st.sampled_from([[], [], ["best"], ["old", "best"]]),
        tags=st.sampled_from([[], [], ["eu"]]),
        metadata=METADATA,
    )
    def log(self, artifact: str, content: str, **more: Any) -> None:
        self.do("log", artifact, content, **more)

    @rule(data=st.data(), content=st.sampled_from(sorted(CONTENTS)), duplicate=st.sampled_from(["reuse", "new"]))
    def log_again(self, data: st.DataObject, content: str, duplicate: str) -> None:
        """Into an artifact that is there, under whatever name it has now, with its type."""
        artifacts = [item for item in self.oracle.collections if item.kind == "artifact"]
        if artifacts:
            item = data.draw(st.sampled_from(artifacts).map(lambda found: found.ref))
            type_ = next(found.type for found in artifacts if found.ref == item)
            more = {"type": type_, "on_duplicate": duplicate, "aliases": [], "tags": [], "metadata": {}}
            self.do("log", item, content, **more)

    @rule(
        data=st.data(),
        model=st.sampled_from(MODELS),
        aliases=st.sampled_from([[], [], ["best"], ["old"], ["production"]]),
    )
    def link(self, data: st.DataObject, model: str, aliases: list[str]) -> None:
        self.do("link", self.version_of(data), model, aliases)

    @rule(data=st.data(), alias=st.sampled_from(ALIASES), expected=st.sampled_from(["any", "any", None, 0, 1, 2]))
    def set_alias(self, data: st.DataObject, alias: str, expected: Any) -> None:
        more = {} if expected == "any" else {"expected": expected}
        self.do("set_alias", self.version_of(data), alias, **more)

    @rule(data=st.data(), alias=st.sampled_from(ALIASES), expected=st.sampled_from(["any", "any", None, 0, 1]))
    def remove_alias(self, data: st.DataObject, alias: str, expected: Any) -> None:
        more = {} if expected == "any" else {"expected": expected}
        self.do("remove_alias", self.place_of(data), alias, **more)

    @rule(data=st.data(), whole=st.booleans(), names=TAGS, verb=st.sampled_from(["tag", "tag", "untag"]))
    def tag(self, data: st.DataObject, whole: bool, names: list[str], verb: str) -> None:
        self.do(verb, self.place_of(data) if whole else self.version_of(data), names)

    @rule(
        data=st.data(),
        metadata=METADATA,
        remove=st.sampled_from([[], ["k"]]),
        text=st.sampled_from(["keep", None, "a", "b"]),
    )
    def edit(self, data: st.DataObject, metadata: dict[str, Any], remove: list[str], text: str | None) -> None:
        more = {} if text == "keep" else {"description": text}
        self.do("edit", self.version_of(data), metadata=metadata, remove_metadata=remove, **more)

    @rule(data=st.data(), field=st.sampled_from(["description", "owner"]), text=st.sampled_from([None, "a", "b"]))
    def edit_collection(self, data: st.DataObject, field: str, text: str | None) -> None:
        self.do("edit_collection", self.place_of(data), **{field: text})

    @precondition(lambda self: self.opened % 4 == 0)
    @rule(types=st.sampled_from([("dataset",), None, ("model", "dataset")]))
    def edit_registry(self, types: tuple[str, ...] | None) -> None:
        self.do("edit_registry", "data", types=types)

    @rule(data=st.data(), more=FORCE, fits=st.sampled_from([True, True, True, False]))
    def take_out(self, data: st.DataObject, more: dict[str, Any], fits: bool) -> None:
        """Artifact versions are deleted, model versions unlinked; the other way round is refused."""
        ref = self.version_of(data)
        models = [item.ref for item in self.oracle.collections if item.kind == "model"]
        self.do("unlink" if (ref.partition(":")[0] in models) == fits else "delete", ref, **more)

    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        self.do("restore", self.version_of(data))

    @rule(data=st.data())
    def restore_deleted(self, data: st.DataObject) -> None:
        """One that is deleted, where there is one."""
        members = [(item.ref, member) for item in self.oracle.collections for member in item.members.values()]
        gone = [f"{ref}:v{member.number}" for ref, member in members if member.deleted is not None]
        if gone:
            self.do("restore", data.draw(st.sampled_from(gone)))

    @rule(data=st.data(), name=st.sampled_from(["a", "b", "c", "M", "m", "N"]))
    def rename(self, data: st.DataObject, name: str) -> None:
        self.do("rename", self.place_of(data), name)

    @rule(data=st.data(), more=FORCE)
    def delete_collection(self, data: st.DataObject, more: dict[str, Any]) -> None:
        self.do("delete_collection", self.place_of(data), **more)

    @rule(data=st.data())
    def restore_collection(self, data: st.DataObject) -> None:
        self.do("restore_collection", self.place_of(data))

    @rule(everything=st.sampled_from([True, True, False]), dry_run=st.booleans())
    def gc(self, everything: bool, dry_run: bool) -> None:
        wanted = self.oracle.gc(everything=everything, dry_run=dry_run)
        self.compare_answer(wanted, lambda: self.registry.gc(dry_run=dry_run, **(ALL if everything else {})))

    @rule(data=st.data())
    def resolve(self, data: st.DataObject) -> None:
        ref = self.version_of(data)
        try:
            item, member = self.oracle.member(ref)
            wanted: Any = (self.oracle.view(item, member.number), False)
        except Refused as refused:
            wanted = str(refused)
        self.compare_answer(wanted, lambda: self.registry.resolve(ref))

    @rule(data=st.data(), selector=st.sampled_from(["best", "old", "latest"]))
    def resolve_at(self, data: st.DataObject, selector: str) -> None:
        """Who held an alias at some moment before, whatever happened since."""
        if not self.moments or not self.oracle.collections:
            return
        at, holders = self.moments[data.draw(st.integers(0, len(self.moments) - 1))]
        item = self.oracle.collections[data.draw(st.integers(0, len(self.oracle.collections) - 1))]
        if selector == "latest" and item.came_back:
            return  # how long each version was away is in the events alone
        number = holders.get(id(item), {}).get(selector)
        wanted = "NotFoundError" if number is None else (self.oracle.view(item, number), False)
        self.compare_answer(wanted, lambda: self.registry.resolve(f"{item.ref}:{selector}", at=at))

    @precondition(lambda self: self.opened > 10)
    @rule()
    def reopen(self) -> None:
        self.opened = 0
        self.place.reopen()

    @invariant()
    def everything_is_as_the_oracle_says(self) -> None:
        """All collections, all versions, the length of every history, all blobs; now and then every detail."""
        oracle = self.oracle
        with self.registry._read() as unit:
            shown = {item.ref: shape(item) for item in list_collections(unit)}
            versions = [shape(version)[0] for version in load_versions(unit.connection, sa.true())]
            counts = unit.connection.execute(COUNTS).one()
        assert shown == {item.ref: oracle.summary(item) for item in oracle.collections if item.deleted is None}
        wanted = [oracle.view(item, number) for item in oracle.collections for number in item.members]
        assert by_ref(versions) == by_ref(wanted)
        assert counts.events == sum(len(item.events) for item in oracle.collections)
        assert counts.moves == sum(len(item.moves) for item in oracle.collections)
        assert blobs(self.place.content) == oracle.blobs
        self.opened += 1
        if self.opened % 10 == 0:
            while oracle.touched:
                self.compare(oracle.touched.pop())
        latest = {id(item): {**item.aliases, "latest": item.latest} for item in oracle.collections}
        self.moments = [*self.moments[-30:], (datetime.now(UTC), latest)]

    def compare(self, item: Collection) -> None:
        """Compare everything about one collection by the verbs that anybody uses."""
        views = [self.oracle.view(item, number) for number in sorted(item.members, reverse=True)]
        gone = self.registry.versions(item.ref, deleted=True)
        assert [shape(version)[0] for version in gone] == [view for view in views if view["deleted"]]
        if item.deleted is None:
            there = self.registry.versions(item.ref)
            assert [shape(version)[0] for version in there] == [view for view in views if not view["deleted"]]
        moves = [(move.alias, move.before, move.after) for move in self.registry.history(item.ref)]
        assert moves == item.moves
        events = self.registry.events(item.ref)
        assert sorted((event.type, event.subject) for event in events) == sorted(item.events)
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        assert [event.previous for event in events] == [GENESIS, *(event.hash for event in events)][: len(events)]
        assert all(event.hash == event_hash(event) for event in events)


def shape(value: Any) -> Any:
    """What is compared of an answer."""
    if isinstance(value, Version):
        names = ("ref", "type", "digest", "source", "metadata", "description", "aliases", "tags")
        seen = {name: getattr(value, name) for name in names} | {"metadata": dict(value.metadata)}
        return seen | {"deleted": value.deleted_at is not None}, value.created
    if isinstance(value, AliasMove):
        return value.before, value.after, value.changed
    if isinstance(value, GcReport):
        return value.versions, value.blobs
    if isinstance(value, Shown):
        names = ("ref", "kind", "type", "versions", "aliases", "tags", "description", "owner")
        return {name: getattr(value, name) for name in names}
    return value


def by_ref(views: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(views, key=lambda view: view["ref"])


def blobs(content: Path) -> set[str]:
    return {path.name for path in (content / "blobs" / "sha256").glob("*/*")}


@pytest.fixture
def fast_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: this test is about answers, not about what survives."""
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=shared, prefix="podium-") as folder:
        yield Path(folder)


@pytest.mark.timeout(0 if EXAMPLES > 300 else 1500)  # five minutes on an idle machine
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_any_sequence_of_verbs(database: str, fast_folder: Path, request: pytest.FixtureRequest) -> None:
    """Sequences of up to 50 verbs, with the registry closed and reopened between: no divergence from the oracle."""
    sqlite = f"sqlite:///{fast_folder / 'podium.db'}"
    url = sqlite if database == "sqlite" else request.getfixturevalue("new_pg_url")()
    machine = type("Machine", (Machine,), {"place": Place(url, fast_folder)})
    drawn = os.environ.get("PODIUM_TEST_SEED")
    if drawn is not None:
        machine = seed(int(drawn))(machine)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=50,
            deadline=None,
            derandomize=drawn is None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            print_blob=True,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
