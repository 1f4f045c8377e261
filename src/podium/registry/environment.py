"""Where a run runs: Python, platform, command, packages, and the revision of the source."""

from __future__ import annotations

import functools
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from podium.domain.plain import storable
from podium.processes import this_process

SWITCH = "PODIUM_ENVIRONMENT"
_GIT_SECONDS = 2.0
_MOST_ARGUMENTS, _MOST_LETTERS = 200, 1_000
_MASK = "***"
_WORDS = r"(?:token(?!iz)|passw|pwd|passphrase|secret|credential|authorization|(?:api|access|private)[-_]?key)"
_NAMED = re.compile(rf"([^=:\s]*{_WORDS}[^=:\s]*[=:]).*", re.IGNORECASE | re.DOTALL)
_OPTION = re.compile(rf"-{{1,2}}[\w.-]*{_WORDS}[\w.-]*", re.IGNORECASE)
_IN_URL = re.compile(r"(?<=://)[^/\s@]*@")
_SEPARATORS = re.compile(r"[-_.]+")


def describe_environment() -> dict[str, Any]:
    """Return where this process runs, as plain JSON.

    ``PODIUM_ENVIRONMENT=off`` leaves packages and source out. The packages are read once per process; the source each
    time, since it changes between the runs of one notebook.
    """
    whole = os.environ.get(SWITCH, "").lower() not in ("off", "0", "false", "no")
    git = _GitQuestion(_source_folder()) if whole else None  # it works while the rest is read
    process = this_process()
    found: dict[str, Any] = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": _platform(),
        "hostname": process["host"],
        "pid": process["pid"],
        "cpus": os.cpu_count(),
        "command": mask_command(sys.argv),
        "podium": _asked("podium"),
        "processes": [process],
    }
    if git is not None:
        found["packages"] = dict(_packages())
        if source := git.answer():
            found["git"] = source
    return found


def mask_command(arguments: list[str]) -> list[str]:
    """Return a command line without its secrets.

    What comes after ``--token``, ``--password`` or the like, the value of ``NAME=value`` with such a name, and user and
    password in a URL become ``***``. Long arguments are cut.
    """
    shown: list[str] = []
    hide = False
    for given in arguments[:_MOST_ARGUMENTS]:
        text = storable(str(given))
        if hide and not text.startswith("--"):
            text, hide = _MASK, False
        else:
            hide = _OPTION.fullmatch(text) is not None
            text = _IN_URL.sub(f"{_MASK}@", _NAMED.sub(rf"\1{_MASK}", text))
        shown.append(text if len(text) <= _MOST_LETTERS else text[:_MOST_LETTERS] + "...")
    return shown


def clean_remote(url: str) -> str:
    """Return the URL of a remote without user, password, query and fragment; ``git@host:path`` names no secret."""
    if "://" not in url:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return _MASK
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


class _GitQuestion:
    """Asks git about a folder in processes of its own; whatever goes wrong means that there is no answer."""

    def __init__(self, folder: Path) -> None:
        self._until = time.monotonic() + _GIT_SECONDS
        # No untracked files: looking for them takes long in folders with data, and a run seldom depends on them.
        self._state = _git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
        self._remote = _git(folder, "config", "--get", "remote.origin.url")

    def answer(self) -> dict[str, Any]:
        """Return ``commit, branch, dirty, remote`` as far as git knows them; nothing outside a repository."""
        state, remote = self._wait(self._state), self._wait(self._remote)
        if state is None:
            return {}
        lines = state.splitlines()
        head = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# ") and " " in line[2:])
        known = {
            "commit": head.get("branch.oid"),
            "branch": head.get("branch.head"),
            "remote": clean_remote(remote.strip()) if remote else None,
        }
        named = {name: storable(value) for name, value in known.items() if value and not value.startswith("(")}
        return {**named, "dirty": any(not line.startswith("# ") for line in lines)}

    def _wait(self, process: subprocess.Popen[bytes] | None) -> str | None:
        if process is None:
            return None
        try:
            output, _ = process.communicate(timeout=max(0.05, self._until - time.monotonic()))
        except (subprocess.TimeoutExpired, OSError):
            process.kill()
            with suppress(subprocess.TimeoutExpired):  # one that hangs in a dead disk is left to itself
                process.wait(0.2)
            return None
        finally:
            if process.stdout is not None:
                process.stdout.close()
        return output.decode("utf-8", "replace") if process.returncode == 0 else None


def _git(folder: Path, *arguments: str) -> subprocess.Popen[bytes] | None:
    # No lock that would disturb a git of the user, no question, and no program that a repository may name.
    quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    command = ["git", "-c", "core.fsmonitor=false", *arguments]
    none = subprocess.DEVNULL
    try:
        return subprocess.Popen(  # noqa: S603 - fixed words; nothing of a user stands in them
            command, cwd=folder, env=quiet, stdin=none, stdout=subprocess.PIPE, stderr=none
        )
    except (OSError, ValueError):
        return None


def _source_folder() -> Path:
    """Return the folder of the script that runs, else the working folder, as for a notebook."""
    script = Path(sys.argv[0]) if sys.argv and sys.argv[0].endswith(".py") else None
    return script.absolute().parent if script is not None and script.is_file() else Path()


@functools.cache
def _packages() -> tuple[tuple[str, str], ...]:
    """Return names and versions of what is installed, by name.

    They stand in the names of the metadata folders, which takes 1.5 ms for 237 packages; `importlib.metadata` opens
    each of them, which took 165 ms and found the same. It is asked where a name does not tell.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        for name, version in _installed_in(folder):
            found.setdefault(name, version)  # the first on the path is the one that is imported
    return tuple(sorted(found.items()))


def _installed_in(folder: str) -> Iterator[tuple[str, str]]:
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return
    for entry in names:
        stem, _, kind = entry.rpartition(".")
        name, _, version = stem.partition("-")
        if kind == "egg-info":  # how setuptools once did it: NAME-VERSION-pyX.Y, or NAME alone
            version = version.partition("-")[0] or _asked(name)
        if kind in ("dist-info", "egg-info") and name and version:
            yield storable(_SEPARATORS.sub("-", name).lower()), storable(version)


@functools.cache
def _asked(name: str) -> str:
    try:
        return metadata.version(name)
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return ""


@functools.cache
def _platform() -> str:
    return storable(platform.platform())
