"""The doctor finds what is wrong, says what to do, changes nothing, and never fails itself."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

import podium
from podium.domain.health import Finding, HealthReport, file_system_of, is_network, judge_space
from podium.plugins import hookimpl
from podium.plugins.host import PluginHost
from podium.registry import Registry, doctor
from podium.registry.doctor import machine
from podium.registry.doctor.case import Case
from podium.sql import tables as t
from podium.usecases import garbage

MOUNTS = """/dev/vda1 / ext4 rw 0 0
server:/models /mnt/models nfs4 rw 0 0
me@host:/x /mnt/with\\040space fuse.sshfs rw 0 0
/dev/vdb1 /mnt/models/local xfs rw 0 0
"""


@pytest.fixture
def filled(registry: Registry, model_file: Callable[[str], Path]) -> Registry:
    """A registry with two contents."""
    registry.log("p/a", [model_file("one")])
    registry.log("p/b", [model_file("two")])
    return registry


def find(report: HealthReport, check: str) -> Finding:
    """The worst finding of a check."""
    found = [finding for finding in report.findings if finding.check == check]
    return max(found, key=lambda finding: ("ok", "warn", "error").index(finding.level))


def case_of(registry: Registry, mounts: str = "") -> Case:
    return Case(registry.settings, registry._database, registry.host, datetime.now(UTC), mounts)


def blobs(registry: Registry) -> list[Path]:
    return [path for path in Path(registry.content, "blobs").rglob("*") if path.is_file()]


def test_a_sound_registry_has_no_error(filled: Registry) -> None:
    """All is looked at, nothing is left out, and each finding is a sentence."""
    report = filled.doctor(deep=True)
    assert report.ok
    assert report.left_out == ()
    assert {"home", "room", "plugins", "database", "schema", "engine", "clock", "contents", "orphans"} <= {
        finding.check for finding in report.findings
    }
    assert all(finding.message.endswith(".") for finding in report.findings)


def test_it_changes_nothing(filled: Registry, rows, tmp_path: Path) -> None:
    """No row, file or folder is different afterwards."""
    before = rows(filled), sorted(str(path) for path in tmp_path.rglob("*"))
    filled.doctor(deep=True)
    assert (rows(filled), sorted(str(path) for path in tmp_path.rglob("*"))) == before


def test_before_anything_exists_it_makes_nothing(lite: Registry, tmp_path: Path) -> None:
    """Without a database it says how to make one, and makes none."""
    report = lite.doctor()
    assert "podium init" in find(report, "database file").hint
    assert "contents" in report.left_out
    assert not list(tmp_path.rglob("*.db"))


def test_a_missing_content_is_an_error(filled: Registry) -> None:
    """A look at presence names the version that lacks it."""
    blobs(filled)[0].unlink()
    found = find(filled.doctor(), "contents")
    assert found.level == "error"
    assert "1 of 2 contents" in found.message
    assert ":v0 is missing" in found.message


def test_a_flipped_byte_is_found_only_by_hashing(filled: Registry) -> None:
    """The quick look trusts sizes; the deep one reads."""
    path = blobs(filled)[0]
    path.write_bytes(b"!" * path.stat().st_size)
    assert find(filled.doctor(), "contents").level == "ok"
    assert "is changed" in find(filled.doctor(deep=True), "contents").message


def test_drift_of_a_reference(registry: Registry, model_file: Callable[[str], Path]) -> None:
    """The deep look reads references, the quick one says that it does not."""
    path = model_file("before")
    registry.log("p/r", [], references=[str(path)])
    path.write_text("after")
    assert "--deep" in find(registry.doctor(), "references").message
    found = find(registry.doctor(deep=True), "references")
    assert (found.level, "is changed" in found.message) == ("error", True)


@pytest.mark.tampers
def test_a_reference_that_cannot_be_read_is_a_warning(registry: Registry, model_file: Callable[[str], Path]) -> None:
    """A place that does not answer is not damage, and the look goes on."""
    registry.log("p/r", [], references=[model_file("x").as_uri()])
    with registry._database.write() as connection:
        connection.execute(sa.update(t.manifest_entries).values(uri="http://127.0.0.1:1/x"))
    report = registry.doctor(deep=True)
    assert (find(report, "references").level, find(report, "orphans").level) == ("warn", "ok")


def test_what_a_verification_reads(filled: Registry, model_file: Callable[[str], Path]) -> None:
    """Each content counts once, however often it is logged, and so does each reference."""
    filled.log("p/c", [model_file("one")], references={"far.bin": str(model_file("12345"))})
    assert filled.stored_size() == filled.verify().size == len("one") + len("two") + len("12345")


def test_orphans_are_counted(filled: Registry, tmp_path: Path) -> None:
    """What nothing refers to is said with its bytes, once it is old enough to judge."""
    place = Path(filled.content) / "blobs" / "sha256" / "ab" / ("ab" + "0" * 62)
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"x" * 1500)
    assert find(filled.doctor(), "orphans").level == "ok"
    os.utime(place, (0, 0))
    found = find(filled.doctor(), "orphans")
    assert (found.level, found.facts["blobs"], found.facts["size"]) == ("warn", 1, 1500)
    assert "podium gc" in found.hint
    assert place.exists()


def test_leftovers_of_killed_writers(filled: Registry) -> None:
    """A folder whose writer is gone is named with its files."""
    folder = Path(filled.content) / "incoming" / ("0" * 8)
    folder.mkdir()
    (folder / "half").write_bytes(b"x" * 10)
    os.utime(folder, (0, 0))
    assert find(filled.doctor(), "orphans").facts["leftovers"] == 1


def test_a_content_folder_that_is_gone(filled: Registry) -> None:
    """A disk that is not mounted is an error, is not made anew, and the rest is told all the same."""
    place = Path(filled.content)
    place.rename(place.with_name("elsewhere"))
    report = filled.doctor()
    assert "is not there" in find(report, "content").message
    assert report.left_out == ("contents", "orphans")
    assert find(report, "engine").level != "error"
    assert not place.exists()


def test_another_content_location_than_recorded(filled: Registry, database_url: str, open_at, tmp_path: Path) -> None:
    """The doctor of a process that is configured for another place says which one is right."""
    found = find(open_at(database_url, content=tmp_path / "other").doctor(), "content")
    assert found.level == "error"
    assert found.facts["recorded"] == filled.content
    assert not (tmp_path / "other").exists()


@pytest.mark.permissions
@pytest.mark.parametrize("folder", ["", "incoming", "blobs"])
def test_a_content_folder_that_cannot_be_written(filled: Registry, folder: str) -> None:
    """Each folder that writers need is tried."""
    place = Path(filled.content, folder)
    place.chmod(0o500)
    try:
        assert "cannot be written" in find(filled.doctor(), "content").message
    finally:
        place.chmod(0o700)


@pytest.mark.permissions
def test_a_home_that_cannot_be_written(lite: Registry, tmp_path: Path) -> None:
    """Podium's own folder is tried, too."""
    (tmp_path / "home").mkdir(mode=0o500)
    assert find(lite.doctor(), "home").level == "error"


def test_a_home_that_is_a_file(lite: Registry, tmp_path: Path) -> None:
    """A file in place of the folder is said, with what to do."""
    (tmp_path / "home").write_text("a file")
    found = find(lite.doctor(), "home")
    assert (found.level, "PODIUM_HOME" in found.hint) == ("error", True)


@pytest.mark.permissions
def test_a_database_file_of_somebody_else(lite: Registry, tmp_path: Path) -> None:
    """All files of the database must be writable."""
    lite.set_up()
    (tmp_path / "podium.db").chmod(0o400)
    assert find(lite.doctor(), "database file").level == "error"


def test_a_file_that_is_no_database(lite: Registry, tmp_path: Path) -> None:
    """It is told, and what needs no database is looked at all the same."""
    (tmp_path / "podium.db").write_bytes(b"no database at all" * 500)
    report = lite.doctor()
    assert find(report, "database").level == "error"
    assert find(report, "home").level == "ok"
    assert "engine" in report.left_out


def test_a_server_that_is_not_there(open_at, tmp_path: Path) -> None:
    """An unreachable database is one error; folders, plugins and the content folder are told all the same."""
    (tmp_path / "content").mkdir()
    report = open_at("postgresql://podium:geheim@127.0.0.1:1/x").doctor()
    assert [finding.check for finding in report.of("error")] == ["database"]
    assert {"home", "room", "plugins", "content"} <= {finding.check for finding in report.findings}
    assert "geheim" not in str(report.to_json())


@pytest.mark.parametrize(("revision", "hint"), [("0001", "podium db upgrade"), ("9999", "Upgrade Podium")])
def test_a_schema_of_another_time(filled: Registry, revision: str, hint: str) -> None:
    """Older and newer schemas are told apart."""
    with filled._database.write() as connection:
        connection.exec_driver_sql(f"UPDATE podium_schema SET version_num = '{revision}'")
    report = filled.doctor()
    assert hint in find(report, "schema").hint
    assert not report.ok


def test_damage_of_the_database_file(lite: Registry, tmp_path: Path) -> None:
    """A row that points at nothing is found, as foreign keys that were off leave it."""
    lite.set_up()
    with sqlite3.connect(tmp_path / "podium.db") as connection:
        connection.execute("INSERT INTO collection_tags VALUES (?, 'x', '2026-01-01', 'ann')", ("0" * 32,))
    connection.close()
    found = find(lite.doctor(), "engine")
    assert (found.level, "collection_tags points at a missing row" in found.message) == ("error", True)


@pytest.mark.tampers
def test_events_from_the_future(filled: Registry) -> None:
    """An event that is newer than now says that a clock is wrong."""
    assert find(filled.doctor(), "clock").level == "ok"
    with filled._database.write() as connection:
        late = datetime.now(UTC) + timedelta(hours=3)
        connection.execute(sa.update(t.events).values(created_at=late))
    found = find(filled.doctor(), "clock")
    assert (found.level, "2 hours in the future" in found.message) == ("warn", True)


@pytest.mark.postgres
def test_a_server_whose_clock_differs(new_pg_url, open_at, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the server is compared with ours."""
    registry = open_at(new_pg_url())
    with case_of(registry).unit() as unit:
        assert abs(doctor.database.health.clock_difference(unit)) < timedelta(seconds=2)
    monkeypatch.setattr(doctor.database.health, "clock_difference", lambda _unit: timedelta(seconds=-70))
    assert "1 minute" not in find(registry.doctor(), "clock").message
    assert "70 seconds behind ours" in find(registry.doctor(), "clock").message


@pytest.mark.postgres
def test_a_server_that_does_not_flush(new_pg_url, open_at) -> None:
    """The server of the tests has fsync off: that is what the doctor must say about a real one."""
    registry = open_at(new_pg_url())
    with case_of(registry).unit() as unit:
        off = unit.connection.exec_driver_sql("SHOW fsync").scalar() == "off"
    assert ("fsync" in find(registry.doctor(), "engine").facts.get("off", [])) is off


def test_a_collection_that_never_ended(filled: Registry) -> None:
    """The mark of a garbage collection that was killed is said once it is old."""
    filled._change(garbage.begin_gc)
    assert "runs since" in find(filled.doctor(), "gc").message
    late = replace(case_of(filled), now=datetime.now(UTC) + timedelta(hours=7))
    (found,) = doctor.database.check_gc(late)
    assert (found.level, "never ended" in found.message) == ("warn", True)
    filled.gc()
    (found,) = doctor.database.check_gc(late)
    assert found.level == "ok"


def test_messages_that_nobody_sends(filled: Registry) -> None:
    """What was due long ago and what was given up are told apart."""
    filled.subscribe("me", "console", events=["*"])
    filled.tag("p/a", "x")
    filled.tag("p/b", "x")
    filled.close()
    late = datetime.now(UTC) - timedelta(hours=1)
    with filled._database.write() as connection:
        connection.execute(sa.update(t.deliveries).values(status="pending", next_at=late))
        one = connection.scalars(sa.select(t.deliveries.c.id)).first()
        connection.execute(sa.update(t.deliveries).where(t.deliveries.c.id == one).values(status="dead"))
    found = [finding for finding in filled.doctor().findings if finding.check == "deliveries"]
    assert [finding.level for finding in found] == ["warn", "warn"]
    assert found[1].facts == {"dead": 1}


class Broken:
    """A plugin that fails when it is told."""

    @hookimpl
    def podium_on_event(self, event: object) -> None:
        raise RuntimeError("oh no")


def test_a_plugin_that_fails(database_url: str, open_at, model_file: Callable[[str], Path]) -> None:
    """What a plugin did wrong in any process is told with what it said."""
    host = PluginHost(discover=False)
    host.register(Broken(), "broken")
    registry = open_at(database_url, host=host)
    registry.log("p/a", [model_file("x")])
    registry.close()
    found = find(registry.doctor(), "plugin faults")
    assert (found.level, "RuntimeError: oh no" in found.message) == ("warn", True)


def test_a_plugin_that_does_not_fit(database_url: str, open_at) -> None:
    """A plugin that is not in use because of an error is an error."""

    class Misspelled:
        @hookimpl
        def podium_on_evnt(self) -> None: ...

    host = PluginHost(discover=False)
    host.register(Misspelled(), "misspelled")
    found = find(open_at(database_url, host=host).doctor(), "plugins")
    assert (found.level, found.facts) == ("error", {"plugin": "misspelled"})


def test_a_plugin_whose_name_is_taken(database_url: str, open_at) -> None:
    """To leave out the name would leave out the other one too: it gets a name of its own."""
    host = PluginHost(discover=False)
    for _ in range(2):
        host.register(Broken(), "same name")
    found = find(open_at(database_url, host=host).doctor(), "plugins")
    assert "there is a plugin 'same name' already" in found.message
    assert "a name of its own" in found.hint
    assert "PODIUM_PLUGINS_BLOCK" not in found.hint


def test_sqlite_on_a_network_file_system(lite: Registry, tmp_path: Path) -> None:
    """WAL on a shared file system is an error; on a local one it is fine."""
    (found,) = machine.check_file_system(case_of(lite, f"server:/x {tmp_path} nfs4 rw 0 0\n"))
    assert (found.level, found.facts["kind"]) == ("error", "nfs4")
    (found,) = machine.check_file_system(case_of(lite, "/dev/vda1 / ext4 rw 0 0\n"))
    assert found.level == "ok"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/x", ("ext4", "/")),
        ("/mnt/models", ("nfs4", "/mnt/models")),
        ("/mnt/models/a", ("nfs4", "/mnt/models")),
        ("/mnt/models/local/a", ("xfs", "/mnt/models/local")),
        ("/mnt/models2/a", ("ext4", "/")),
        ("/mnt/with space/a", ("fuse.sshfs", "/mnt/with space")),
    ],
)
def test_the_file_system_of_a_path(path: str, expected: tuple[str, str]) -> None:
    """The longest mount point above a path wins, whole names only, escapes read."""
    assert file_system_of(path, MOUNTS) == expected


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "fuse.gcsfuse", "ceph", "fuse.s3fs"]
)
def test_shared_file_systems(kind: str) -> None:
    """They are known by name."""
    assert is_network(kind)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "overlay", "tmpfs", "zfs", "fuseblk", "apfs", ""])
def test_local_file_systems(kind: str) -> None:
    """No false alarm on a laptop or in a container."""
    assert not is_network(kind)


@pytest.mark.parametrize(
    ("free", "total", "level"),
    [
        (100_000_000, 10**12, "error"),
        (10**9, 10**12, "warn"),
        (10**9, 10**10, "ok"),
        (3 * 10**10, 10**12, "ok"),
        (0, 0, "error"),
    ],
)
def test_room(free: int, total: int, level: str) -> None:
    """Little room is a warning, next to none an error; a small disk that is half empty is fine."""
    assert judge_space(free, total) == level


def test_a_check_that_fails_is_a_finding(lite: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """One check that raises hides nothing of the others."""

    def check_nothing(_case: Case) -> list[Finding]:
        raise KeyError("oh no")

    monkeypatch.setattr(doctor, "ALWAYS", (check_nothing, *doctor.ALWAYS))
    report = lite.doctor()
    assert "KeyError" in find(report, "nothing").message
    assert find(report, "home").level == "ok"


def test_set_up_makes_all_once(lite: Registry, tmp_path: Path) -> None:
    """The first time it makes folder, schema and content; the second time nothing."""
    made = lite.set_up()
    assert made.made == ("home", "schema", "content")
    assert (tmp_path / "home").is_dir()
    assert Path(made.content, "incoming").is_dir()
    assert lite.set_up() == replace(made, made=())
    assert lite.doctor().ok


@pytest.mark.permissions
def test_set_up_where_the_home_may_not_be_read(lite: Registry, tmp_path: Path) -> None:
    """It is one error of ours, with what to do."""
    (tmp_path / "home").mkdir(mode=0)
    with pytest.raises(podium.SettingsError, match="PODIUM_HOME"):
        lite.set_up()


def test_set_up_leaves_an_older_schema_alone(filled: Registry) -> None:
    """It says what brings the schema forward."""
    filled.downgrade("0001")
    with pytest.raises(podium.SchemaOutdatedError, match="podium db upgrade"):
        filled.set_up()
    filled.upgrade()
    assert "schema" not in filled.set_up().made


@pytest.mark.postgres
def test_set_up_of_an_empty_server(new_pg_url, open_at) -> None:
    """An empty PostgreSQL database gets the schema."""
    registry = open_at(new_pg_url())
    registry.downgrade("base")
    with registry._database._bare_engine().begin() as connection:
        connection.exec_driver_sql("DROP TABLE podium_schema")
    assert "schema" in registry.set_up().made
    assert registry.set_up().made == ()


@pytest.mark.postgres
def test_set_up_touches_no_tables_of_another_program(new_pg_url, open_at) -> None:
    """A database that is somebody else's is refused."""
    registry = open_at(new_pg_url())
    registry.downgrade("base")
    with registry._database._bare_engine().begin() as connection:
        connection.exec_driver_sql("DROP TABLE podium_schema")
        connection.exec_driver_sql("CREATE TABLE theirs (id int)")
    with pytest.raises(podium.SchemaOutdatedError, match="is not empty"):
        registry.set_up()
    assert registry._database.current() is None


def test_set_up_touches_no_file_of_another_program(lite: Registry, tmp_path: Path) -> None:
    """An SQLite file with other tables is refused."""
    with sqlite3.connect(tmp_path / "podium.db") as connection:
        connection.execute("CREATE TABLE theirs (id int)")
    connection.close()
    with pytest.raises(podium.SettingsError, match="another program"):
        lite.set_up()


def test_a_downgrade_says_what_it_undoes_and_does_it(filled: Registry) -> None:
    """What is lost is known before; afterwards the schema is the older one, and an upgrade brings it back."""
    assert list(filled.downgrade_losses("0001")) == ["0006", "0005", "0004", "0003", "0002"]
    assert filled.downgrade("0001") == ("0006", "0001")
    assert filled.downgrade("0001") == ("0001", "0001")
    with pytest.raises(podium.SchemaOutdatedError):
        filled.versions("p/a")
    assert filled.upgrade() == ("0001", "0006")
    assert filled.resolve("p/a").number == 0


@pytest.mark.parametrize(("revision", "error"), [("7", podium.NotFoundError), ("0002", podium.InvalidValueError)])
def test_a_downgrade_to_what_cannot_be(filled: Registry, revision: str, error: type[Exception]) -> None:
    """An unknown revision, and one that is newer, are refused; nothing changes."""
    filled.downgrade("0001")
    with pytest.raises(error):
        filled.downgrade(revision)
    assert filled._database.current() == "0001"
