"""Checks only read: what one did to the files of a version, no later one judges, and no result of it counts."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from podium.registry import Registry

MODEL = "model-registry/Digits classifier"
WRITES = {
    "writes": "path.chmod(0o644); path.write_bytes(b'quite other bytes')",
    "same size and time": (
        "old = path.stat(); path.chmod(0o644); path.write_bytes(b'MODEL'); "
        "os.utime(path, ns=(old.st_atime_ns, old.st_mtime_ns))"
    ),
    "puts another in its place": "other = path.with_name('x'); other.write_bytes(b'MODEL'); other.replace(path)",
    "removes": "path.unlink()",
    "removes all": "import shutil; shutil.rmtree(model_version.path)",
    "adds": "path.with_name('more.txt').write_text('more')",
    "leaves a link": "path.unlink(); path.symlink_to('/etc/hostname')",
    "writes and exits": "path.chmod(0o644); path.write_bytes(b'other'); os._exit(0)",
}
TEXT = """
import os
import podium

@podium.check
def a_fine(): return True

@podium.check
def b_bad(model_version):
    path = next(iter(model_version.files.values()))
    {body}
    return True

@podium.check
def c_later(model_version): return True
"""
SUITE = """
import pytest

def test_fine(model_version): pass
def test_writes(model_version):
    path = next(iter(model_version.files.values()))
    path.chmod(0o644)
    path.write_bytes(b"other")
def test_later(model_version): pass
"""


@pytest.mark.parametrize("isolate", [True, False])
@pytest.mark.parametrize("name", WRITES)
def test_a_check_that_changes_files_is_an_error_and_so_are_later_ones(lite, linked, write, name, isolate) -> None:
    """However it does it: the check before it stands, its own result and those after it are errors that say why."""
    if "exits" in name and not isolate:  # os._exit in the process of the tests would end them all
        pytest.skip("it would end this process")
    checks = write("checks.py", TEXT.format(body=WRITES[name]))
    first, bad, later = lite.test(linked, str(checks), isolate=isolate).results
    assert (first.status, bad.status, later.status) == ("pass", "error", "error")
    assert "exit" in bad.message or f"Files of {MODEL}:v0 were changed while it was tested" in bad.message
    assert later.message.startswith(f"It was not run. Files of {MODEL}:v0 were changed")


def test_files_are_read_only(lite, linked, tmp_path) -> None:
    """What checks get has no right to write, so that an accident is an error where it happens."""
    version, _ = lite.prepare_test(linked, tmp_path / "here")
    from podium.checks.guard import FileGuard

    guard = FileGuard.of([version])
    assert [stat.S_IMODE(os.stat(path).st_mode) & 0o222 for path in version.files.values()] == [0]
    assert guard.changed() is None


@pytest.mark.parametrize("deed", ["chmod", "hard link", "pycache", "touch"])
def test_what_leaves_the_bytes_alone_is_no_change(lite, linked, tmp_path, deed) -> None:
    """Other rights, one more name, another time, what Python keeps of imported code: the bytes are the same."""
    from podium.checks.guard import FileGuard

    version, _ = lite.prepare_test(linked, tmp_path / "here")
    guard = FileGuard.of([version])
    (path,) = version.files.values()
    if deed == "chmod":
        path.chmod(0o644)
    elif deed == "hard link":
        os.link(path, tmp_path / "beside")
    elif deed == "touch":
        os.utime(path, (1, 1))
    else:
        (version.path / "__pycache__").mkdir()
        (version.path / "__pycache__" / "x.pyc").touch()
    assert guard.changed() is None


def test_the_champion_is_watched_too(lite: Registry, linked: str, write, model_file) -> None:
    """A check that changes what it compares with is an error."""
    lite.promote(linked, "production")
    lite.log("digits/mlp", model_file("other"))
    newer = lite.link("digits/mlp", MODEL)
    checks = write(
        "checks.py",
        TEXT.format(body="pass")
        .replace("b_bad(model_version)", "b_bad(champion)")
        .replace("model_version.files.values()))\n    pass", "champion.files.values())).unlink()"),
    )
    _, bad, _ = lite.test(newer.ref, str(checks)).results
    assert (bad.status, f"Files of {linked} were changed" in bad.message) == ("error", True)


@pytest.mark.parametrize("options", [[], ["-n", "2", "--dist", "loadfile"]])
def test_a_suite_that_changes_files(lite, linked, write, options) -> None:
    """The test that did it is an error, and so are those after it; the one before it stands."""
    write("test_it.py", SUITE)
    report = lite.test(linked, suite="test_it.py", pytest_options=options)
    assert [result.status for result in report.results] == ["pass", "error", "error"]
    assert "Tests only read them" in report.results[1].message
    assert "It was not run. Files of" in report.results[2].message


def test_a_suite_does_not_judge_what_checks_changed(lite, linked, write) -> None:
    """Checks come first, and the suite is looked at with the same eyes."""
    checks = write("checks.py", TEXT.format(body=WRITES["writes"]))
    write("test_it.py", "def test_fine(model_version): pass\n")
    report = lite.test(linked, str(checks), suite="test_it.py")
    assert "It was not run. Files of" in report.results[-1].message
    assert Path("test_it.py").exists()
