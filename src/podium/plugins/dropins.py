"""Drop-ins: plugins that are one file or one package in a folder, without being installed."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType


def find_dropins(folder: Path) -> list[tuple[str, Path]]:
    """Return name and file of each plugin in a folder, by name: every ``NAME.py``, every package ``NAME``.

    What begins with ``_`` or ``.`` is none. Nothing is imported.

    Raises:
        OSError: The folder is not there or cannot be read.
    """
    found: list[tuple[str, Path]] = []
    for item in sorted(folder.iterdir()):
        if item.name.startswith(("_", ".")):
            continue
        if item.suffix == ".py" and item.is_file():
            found.append((item.stem, item))
        elif (item / "__init__.py").is_file():
            found.append((item.name, item / "__init__.py"))
    return sorted(found)


def load_dropin(path: Path) -> ModuleType:
    """Import the file of a drop-in under a name that no other module has, and return the module.

    Raises:
        ImportError: It cannot be read as Python. Whatever else its code raises goes through.
    """
    package = path.name == "__init__.py"
    name = module_name(path)
    where = [str(path.parent)] if package else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=where)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: a package imports its own modules, a dataclass looks for its own
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def module_name(path: Path) -> str:
    """Return the name of a drop-in's module: of its own, the same in each process."""
    stem = path.parent.name if path.name == "__init__.py" else path.stem
    readable = re.sub(r"\W", "_", stem, flags=re.ASCII)
    return f"podium_dropin_{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}_{readable}"


def writable_by_all(folders: Iterable[Path]) -> Iterator[Path]:
    """Yield the folders, and the files and packages of drop-ins in them, into which every user may write code."""
    for folder in folders:
        try:
            parts = [part for _, path in find_dropins(folder) for part in _parts(path, folder)]
        except OSError:
            parts = []
        for path in dict.fromkeys([folder, *parts]):
            try:
                # A sticky folder such as /tmp keeps others from changing files, but not from adding some.
                if path.stat().st_mode & stat.S_IWOTH:
                    yield path
            except OSError:
                continue


def _parts(path: Path, folder: Path) -> Iterator[Path]:
    if path.parent != folder:
        yield path.parent
        yield from sorted(path.parent.rglob("*.py"))
    else:
        yield path
