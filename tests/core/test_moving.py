"""Moving a registry into another: what comes over is equal in every row and every answer, both ways."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from podium.errors import AlreadyExistsError, IntegrityError, InvalidNameError, NotFoundError, StorageError
from podium.registry import Registry
from podium.sql import tables as t
from tests.content.conftest import s3, s3_server  # noqa: F401 - fixtures
from tests.core.moved import ARTIFACT, MODEL, fill, rows_of, told, write

Open = Callable[..., Registry]


@pytest.fixture
def full(lite: Registry, tmp_path: Path) -> Registry:
    """A registry on SQLite and a folder with something of every kind."""
    fill(lite, tmp_path / "files")
    return lite


@pytest.fixture
def bundle(full: Registry, tmp_path: Path) -> Path:
    """All of it in a bundle."""
    full.export_bundle(to=tmp_path / "all.podium")
    return tmp_path / "all.podium"


@pytest.fixture
def other(tmp_path: Path, open_at: Open) -> Registry:
    """An empty registry of its own on SQLite."""
    return open_at(f"sqlite:///{tmp_path / 'other.db'}", content=tmp_path / "other")


def check_equal(here: Registry, there: Registry) -> None:
    """Every answer and every row is the same."""
    assert told(here) == told(there)
    rows, others = rows_of(here), rows_of(there)
    for table in rows:
        assert rows[table] == others[table], table


def check_sound(registry: Registry) -> None:
    """Every content is what was logged, every chain holds, and every row is what its events say."""
    assert registry.verify().ok
    audit = registry.verify_audit()
    assert (audit.found, audit.findings) == (0, ())


@pytest.mark.postgres
def test_sqlite_and_folder_to_postgresql_and_s3_and_back(full, bundle, tmp_path, open_at, new_pg_url, request) -> None:
    """Digests, numbers, aliases, stages, history and audit heads are equal, all rows too, and verify finds nothing."""
    far = open_at(new_pg_url(), content=request.getfixturevalue("s3") + "/models")
    assert far.import_bundle(bundle).changed
    check_equal(far, full)
    check_sound(far)
    far.export_bundle(to=tmp_path / "back.podium")
    back = open_at(f"sqlite:///{tmp_path / 'back.db'}", content=tmp_path / "back")
    back.import_bundle(tmp_path / "back.podium")
    check_equal(back, full)
    check_sound(back)


def test_again_nothing_changes(bundle, other) -> None:
    """The second import says that nothing changed, and no row differs."""
    first = other.import_bundle(bundle)
    before = rows_of(other)
    again = other.import_bundle(bundle)
    assert (first.changed, again.changed, again.contents, again.edges) == (True, False, 0, 0)
    assert {item.state for item in again.collections} == {"same"}
    assert rows_of(other) == before


def test_a_model_brings_what_belongs_to_it(full, tmp_path, other) -> None:
    """Its artifact comes whole, its run with metrics and media; the data set that the run used is not asked for."""
    info = full.export_bundle(MODEL, to=tmp_path / "model.podium")
    report = other.import_bundle(tmp_path / "model.podium")
    assert [item.ref for item in report.collections] == [ARTIFACT, MODEL]
    assert (info.asked, info.left_out, report.runs["new"]) == ((MODEL,), 1, 1)
    for ref in (ARTIFACT, MODEL):
        assert other.events(ref) == full.events(ref)
    assert (other.metrics("training"), other.media("training")) == (full.metrics("training"), full.media("training"))
    check_sound(other)


def test_an_edge_comes_when_its_data_set_does(full, tmp_path, other) -> None:
    """A lineage edge that was left out is there after its other end was imported, too."""
    full.export_bundle(MODEL, to=tmp_path / "model.podium")
    full.export_bundle("digits", to=tmp_path / "project.podium")
    other.import_bundle(tmp_path / "model.podium")
    report = other.import_bundle(tmp_path / "project.podium")
    assert report.edges == 1
    assert rows_of(other)["run_versions"] == rows_of(full)["run_versions"]


def test_a_dry_run_leaves_no_trace(bundle, other, rows) -> None:
    """It says what would change; not even the place of contents is chosen."""
    before = rows(other)
    report = other.import_bundle(bundle, dry_run=True)
    assert (report.dry_run, report.changed) == (True, True)
    assert report.contents > 5
    assert rows(other) == before


def test_a_bundle_goes_through_pipes(full, other) -> None:
    """Neither end needs to jump in it."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cat:
        assert cat.stdin is not None
        written = io.BytesIO()
        info = full.export_bundle(MODEL, to=written)
        cat.stdin.write(written.getvalue())
        cat.stdin.close()
        assert other.import_bundle(cat.stdout).root == info.root
    assert other.resolve(f"{MODEL}:production") == full.resolve(f"{MODEL}:production")


def test_tar_and_sha256sum_open_it(bundle, tmp_path) -> None:
    """Ordinary tools take it apart, and each content has its SHA-256 for a name."""
    folder = tmp_path / "out"
    folder.mkdir()
    subprocess.run(["tar", "--extract", "--file", bundle], cwd=folder, check=True)
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    lines = "".join(f"{path.name}  contents/{path.name}\n" for path in (folder / "contents").iterdir())
    subprocess.run(["sha256sum", "--check", "--quiet"], input=lines, text=True, cwd=folder, check=True)
    assert (folder / "records" / "events.jsonl").read_text().count("\n") > 20


def test_each_content_stands_once(full, tmp_path) -> None:
    """A file that all versions share is carried once, and a reference carries no bytes."""
    info = full.export_bundle(ARTIFACT, to=tmp_path / "b.podium")
    assert info.contents == 4 + 1 + 1  # the models, the file that they share, the table of the run
    data = (tmp_path / "b.podium").read_bytes()
    assert data.count(b"the same in all") == 1


def test_what_was_given_up_stays_so(full, tmp_path, other) -> None:
    """A purged version is a tombstone there too: its bytes are neither in the bundle nor missed."""
    from datetime import timedelta

    full.gc(keep_deleted=timedelta(0), older_than=timedelta(0))
    full.export_bundle(to=tmp_path / "b.podium")
    other.import_bundle(tmp_path / "b.podium")
    assert b"model 1" not in (tmp_path / "b.podium").read_bytes()
    with pytest.raises(NotFoundError):
        other.restore(f"{ARTIFACT}:v1")
    check_sound(other)


def test_what_is_deleted_can_be_restored_there(bundle, other) -> None:
    """A version that was deleted and not given up comes with its bytes."""
    other.import_bundle(bundle)
    assert other.restore(f"{ARTIFACT}:v1").created
    check_sound(other)


def test_work_goes_on_there(bundle, other, tmp_path) -> None:
    """The next version counts on, a promotion finds its policy, and the audit chain goes on from the imported head."""
    other.import_bundle(bundle)
    assert other.log(ARTIFACT, write(tmp_path / "files", "a new one")).number == 5
    assert other.link(f"{ARTIFACT}:v5", MODEL).number == 3
    assert [stage.checks for stage in other.policy(MODEL).stages] == [("accuracy",), ()]
    check_sound(other)


def test_people_are_told_of_the_import_alone(bundle, other) -> None:
    """What it brings happened elsewhere, and was told there."""
    other.subscribe("all", "console", events=["*"])
    (subscribed,) = {item.event for item in other.deliveries()}
    for _ in range(2):
        other.import_bundle(bundle)
    (told_of,) = [item.event for item in other.deliveries() if item.event != subscribed]
    with other._database.read() as connection:
        query = sa.select(t.events.c.type, t.events.c.after).where(t.events.c.id == UUID(told_of))
        kind, after = connection.execute(query).one()
    assert (kind, len(after["root"]), after["exported_by"]) == ("bundle.imported", 64, "ann")
    assert after["new"] == ["digits/mlp", "digits/raw", MODEL]


def test_lost_content_is_mended(bundle, other) -> None:
    """Importing again brings back what a broken disk lost, and changes no row."""
    other.import_bundle(bundle)
    blob = next(path for path in (Path(other.content) / "blobs").rglob("*") if path.is_file())
    blob.unlink()
    report = other.import_bundle(bundle)
    assert (report.changed, report.contents) == (True, 1)
    assert other.verify().ok


def test_a_file_that_is_there_is_kept(full, bundle) -> None:
    """A bundle takes the place of a file only where that is said."""
    before = bundle.read_bytes()
    with pytest.raises(AlreadyExistsError):
        full.export_bundle(MODEL, to=bundle)
    assert bundle.read_bytes() == before
    full.export_bundle(MODEL, to=bundle, overwrite=True)
    assert bundle.read_bytes() != before
    assert list(bundle.parent.glob(".*partial")) == []


@pytest.mark.parametrize(
    ("ref", "error"), [("nowhere", NotFoundError), ("digits/no", NotFoundError), (f"{MODEL}:v0", InvalidNameError)]
)
def test_a_wrong_reference_writes_nothing(full, tmp_path, ref, error) -> None:
    """The file is not even begun."""
    with pytest.raises(error):
        full.export_bundle(ref, to=tmp_path / "b.podium")
    assert list(tmp_path.glob("*b.podium*")) == []


def test_damaged_content_is_not_exported(full, tmp_path) -> None:
    """An export hashes what it carries, and leaves no file when it is wrong."""
    blob = next(path for path in (tmp_path / "content" / "blobs").glob("*/*/*") if path.read_bytes() == b"model 3")
    blob.chmod(0o644)
    blob.write_bytes(b"model ?")
    with pytest.raises(IntegrityError, match="podium verify"):
        full.export_bundle(MODEL, to=tmp_path / "b.podium")
    assert list(tmp_path.glob("*b.podium*")) == []


@pytest.mark.tampers
def test_a_forged_history_is_not_exported(full, tmp_path) -> None:
    """What audit would find is not carried on as if it were whole."""
    with full._database.write() as connection:
        connection.exec_driver_sql("update events set created_by = 'eve'")
    with pytest.raises(IntegrityError, match="audit verify"):
        full.export_bundle(MODEL, to=tmp_path / "b.podium")


def test_another_root_is_refused(full, bundle, other) -> None:
    """Whoever kept the root knows the bundle again."""
    with pytest.raises(IntegrityError, match="root"):
        other.import_bundle(bundle, root="0" * 64)
    root = full.export_bundle(to=bundle, overwrite=True).root
    assert other.import_bundle(bundle, root=root).root == root


def test_what_cannot_be_read_is_a_clear_error(other, tmp_path) -> None:
    """No file, a folder, and a file of something else."""
    with pytest.raises(NotFoundError):
        other.import_bundle(tmp_path / "none")
    with pytest.raises(StorageError):
        other.import_bundle(tmp_path)
    (tmp_path / "text").write_text("no bundle at all")
    with pytest.raises(IntegrityError):
        other.import_bundle(tmp_path / "text")


def test_an_empty_registry_moves_too(other, tmp_path, open_at) -> None:
    """Nothing in, nothing out."""
    info = other.export_bundle(to=tmp_path / "empty.podium")
    third = open_at(f"sqlite:///{tmp_path / 'third.db'}", content=tmp_path / "third")
    assert (info.contents, third.import_bundle(tmp_path / "empty.podium").changed) == (0, False)
