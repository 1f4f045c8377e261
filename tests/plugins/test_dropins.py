"""Drop-ins: every file and package of a folder is a plugin, under rules that keep surprises out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from podium.plugins import PluginHost, PluginInfo
from podium.plugins.dropins import find_dropins, writable_by_all
from podium.settings import PluginChoice, read_plugin_choice

MARK = "from podium.plugins import hookimpl\n@hookimpl\ndef podium_origin():\n    return None\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file, a package, and what is no plugin."""
    found = tmp_path / "drops"
    (found / "pack").mkdir(parents=True)
    (found / "no_package").mkdir()
    (found / "__pycache__").mkdir()
    (found / "single.py").write_text(MARK)
    (found / "pack" / "__init__.py").write_text("from .inner import podium_origin\n")
    (found / "pack" / "inner.py").write_text(MARK)
    for name in ("_private.py", ".hidden.py", "notes.txt"):
        (found / name).write_text("raise RuntimeError('must not be imported')")
    return found


def listed(*folders: Path, **choice: tuple[str, ...]) -> dict[str, PluginInfo]:
    """Every drop-in of a host that takes these folders."""
    host = PluginHost(choice=PluginChoice(folders=folders, **choice))
    return {item.name: item for item in host.plugins() if "drops" in item.source or "other" in item.source}


def test_files_and_packages_are_plugins(folder) -> None:
    """A file and a package are loaded; what begins with an underscore or a dot is not, nor is anything else."""
    found = listed(folder)
    assert {name: (item.error, item.hooks) for name, item in found.items()} == {
        "pack": (None, ("podium_origin",)),
        "single": (None, ("podium_origin",)),
    }
    assert found["single"].source == str(folder / "single.py")


def test_they_come_in_order(folder) -> None:
    """Drop-ins are called by name, whatever order the file system has."""
    (folder / "another.py").write_text(MARK)
    assert [name for name, _ in find_dropins(folder)] == ["another", "pack", "single"]


def test_a_name_is_taken_once(folder, tmp_path) -> None:
    """The second of a name, from another folder or beside an installed one, is listed with an error."""
    other = tmp_path / "other"
    other.mkdir()
    for name in ("single", "console", "prefect"):
        (other / f"{name}.py").write_text(MARK)
    host = PluginHost(choice=PluginChoice(folders=(folder, other)))
    errors = {item.source: item.error for item in host.plugins()}
    assert errors[str(folder / "single.py")] is None
    for name in ("single", "console", "prefect"):
        assert errors[str(other / f"{name}.py")] == f"there is a plugin {name!r} already"


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("raises", "raise RuntimeError('at import')", "RuntimeError: at import"),
        ("exits", "import sys; sys.exit(2)", "SystemExit: 2"),
        ("no python", MARK, "not a valid plugin name"),
        ("broken", "def (", "SyntaxError"),
        ("binary", "\0", "SyntaxError"),
    ],
)
def test_one_that_cannot_be_used_is_listed(folder, name, source, words) -> None:
    """A drop-in that raises, exits or has a name that nobody can give is one line; the others work."""
    (folder / f"{name}.py").write_text(source)
    found = listed(folder)
    assert words in found[name].error
    assert found["single"].error is None


def test_a_folder_that_is_not_there_is_listed(folder, tmp_path) -> None:
    """A mistake in PODIUM_PLUGINS_DIR is an answer; the other folders count."""
    found = listed(tmp_path / "other", folder)
    assert "cannot be read" in found["drop-ins"].error
    assert found["single"].error is None


def test_its_module_is_private(folder) -> None:
    """A drop-in called as a module of somebody else does not take its place."""
    (folder / "json.py").write_text(MARK)
    assert listed(folder)["json"].error is None
    assert json.loads("1") == 1
    import json as again

    assert again is json


def test_the_lists_hold_for_them(folder) -> None:
    """A drop-in that is blocked is not imported."""
    (folder / "bad.py").write_text(f"open({str(folder / 'imported')!r}, 'w')")
    found = listed(folder, block=("ba*", "single"))
    assert found["bad"].error == found["single"].error == "blocked by PODIUM_PLUGINS_BLOCK"
    assert found["bad"].state == "left out"
    assert not (folder / "imported").exists()


def test_the_environment_names_them(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """Folders are joined as in PATH, names by commas, and spaces around them are nothing."""
    monkeypatch.setenv("PODIUM_PLUGINS_DIR", f"{tmp_path}{os.pathsep}{os.pathsep} ~/drops ")
    monkeypatch.setenv("PODIUM_PLUGINS_ALLOW", "podium-*, slack,")
    choice = read_plugin_choice()
    assert choice.folders == (tmp_path, Path.home() / "drops")
    assert (choice.allow, choice.block) == (("podium-*", "slack"), ())
    assert [choice.refusal(name) for name in ("slack", "podium-x")] == [None, None]
    assert choice.refusal("email") == "not named in PODIUM_PLUGINS_ALLOW"


def test_what_all_may_write_is_found(folder) -> None:
    """The folder, a file or a part of a package into which every user may write code."""
    assert list(writable_by_all([folder])) == []
    (folder / "pack" / "inner.py").chmod(0o666)
    (folder / "single.py").chmod(0o646)
    folder.chmod(0o1777)
    found = [str(path.relative_to(folder)) for path in writable_by_all([folder])]
    assert found == [".", "pack/inner.py", "single.py"]


def test_the_doctor_warns(folder, open_at: Callable, tmp_path) -> None:
    """Whoever may write into the folder runs code in every process: the doctor says so, and what to do."""
    folder.chmod(0o777)
    host = PluginHost(choice=PluginChoice(allow=("single", "pack"), folders=(folder, tmp_path / "nowhere")))
    findings = open_at(f"sqlite:///{tmp_path / 'podium.db'}", host=host).doctor().findings
    found = {item.level: item for item in findings if item.check == "plugins"}
    assert f"{folder}, where PODIUM_PLUGINS_DIR has drop-ins, can be written by all." == found["warn"].message
    assert found["warn"].hint.startswith(f"chmod o-w {folder}")
    assert "nowhere" in found["error"].message
