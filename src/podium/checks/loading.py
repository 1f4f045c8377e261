"""Finding checks: in a module, a file, a folder, a list in YAML, or built in."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from podium.checks.check import Check, check
from podium.checks.running import named
from podium.checks.spec import is_spec, parse_spec, read_list
from podium.errors import InvalidValueError, NotFoundError

PATTERNS = ("check_*.py", "checks.py", "*_checks.py")
_LISTS = (".yaml", ".yml")
_OWN = "podium_checks_"
Source = str | Path | Check | Callable[..., Any] | ModuleType


def load_checks(sources: Iterable[Source]) -> list[Check]:
    """Return the checks that sources name, each once, in their order.

    Args:
        sources: Each a module (``package.module``), one check in it (``package.module:name``), a Python file
            (``tests/model/checks.py``, also with ``:name``), a folder (its files ``check_*.py``, ``checks.py`` and
            ``*_checks.py``, and those of the folders in it), a list in YAML (``checks.yaml``), a built-in check
            (``max_size("100 MB")``), or a check itself.

    Raises:
        InvalidValueError: A source has no check, or two checks have one name.
        NotFoundError: A module, file or folder does not exist.
    """
    found: dict[Any, Check] = {}
    for source in sources:
        for item in _from_source(source):
            found.setdefault(_same(item), item)  # one check that two modules import is one check
    names = [item.name for item in found.values()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidValueError(f"The check {twice[0]!r} is given twice.", hint="Give each check a name of its own.")
    if not found:
        raise InvalidValueError(
            "There is no check to run.", hint="Name a module, a file, a folder, module:function or a built-in check."
        )
    return list(found.values())


def source_of(item: Source) -> str:
    """Return the text under which another process finds the same checks.

    Raises:
        InvalidValueError: Only this process has it: it was made in a function, a notebook or the script itself.
    """
    if isinstance(item, str | Path):
        return str(item)
    if isinstance(item, ModuleType):
        return _place_of(item.__name__) or _nowhere(item.__name__)
    if isinstance(item, Check) and item.spec is not None:
        return item.spec
    function = item.function if isinstance(item, Check) else item
    name = getattr(function, "__qualname__", "")
    place = _place_of(getattr(function, "__module__", ""))
    if place is None or not name.isidentifier():
        return _nowhere(item.name if isinstance(item, Check) else name)
    known = getattr(sys.modules[function.__module__], name, None)
    return f"{place}:{name}" if known is item or known is function else _nowhere(name)


def require_places(sources: Iterable[Source]) -> None:
    """Refuse what names no checks, as far as that is seen without running any code of theirs.

    Raises:
        InvalidValueError: A built-in check or a list of checks is written wrongly.
        NotFoundError: A file or folder does not exist.
    """
    for source in sources:
        text = str(source)
        if not isinstance(source, str | Path):
            continue
        if is_spec(text):
            parse_spec(text)
        elif text.endswith(_LISTS):
            require_places(read_list(Path(text)))
        else:
            place = Path(text.partition(":")[0])
            if not place.exists() and (place.suffix == ".py" or "/" in text):
                raise _no_file(place)


@contextmanager
def importable(sources: Iterable[Source]) -> Iterator[None]:
    """Let the files of checks import what lies beside them, for as long as they are loaded and run."""
    folders = [str((path if path.is_dir() else path.parent).resolve()) for path in _paths(sources)]
    added = [folder for folder in dict.fromkeys(folders) if folder not in sys.path]
    sys.path.extend(added)  # at the end: nothing that is installed is hidden
    try:
        yield
    finally:
        for folder in added:
            if folder in sys.path:
                sys.path.remove(folder)


def _paths(sources: Iterable[Source]) -> Iterator[Path]:
    """Return the files and folders among sources, those in lists, too."""
    for source in sources:
        if not isinstance(source, str | Path) or is_spec(str(source)):
            continue
        if str(source).endswith(_LISTS):
            yield from _paths(read_list(Path(source)))
            continue
        path = Path(str(source).partition(":")[0])
        if path.is_dir() or path.suffix == ".py":
            yield path


def _from_source(source: Source) -> list[Check]:
    if isinstance(source, Check):
        return [source]
    if isinstance(source, ModuleType):
        return _in_module(source, source.__name__)
    if not isinstance(source, str | Path):
        if not callable(source):
            raise InvalidValueError(f"{source!r} is no check.", hint="Give a function, or a text that names one.")
        return [check(source)]
    text = str(source)
    if is_spec(text):
        return [parse_spec(text)]
    if text.endswith(_LISTS):
        return [item for inner in read_list(Path(text)) for item in _from_source(inner)]
    if Path(text).is_dir() and (text.endswith("/") or not text.isidentifier() or not _can_import(text)):
        return _in_folder(Path(text))
    return _from_text(text)


def _from_text(text: str) -> list[Check]:
    place, _, name = text.partition(":")
    module = load_module(Path(place)) if place.endswith(".py") or "/" in place else _from_name(place)
    if not name:
        return _in_module(module, place)
    one = getattr(module, name, None)
    if one is None:
        raise NotFoundError(f"{place} has no {name!r}.", hint=f"It has {', '.join(_names(module)) or 'no checks'}.")
    return [one if isinstance(one, Check) else check(one)]


def _in_folder(folder: Path) -> list[Check]:
    """Return the checks of a folder; a file that has none is passed over, as it may be something else."""
    files = {path for pattern in PATTERNS for path in folder.rglob(pattern) if path.is_file()}
    seen = [path for path in sorted(files) if not any(part[:1] in "._" for part in path.relative_to(folder).parts)]
    found = [item for path in seen for item in _checks_of(load_module(path))]
    if not found:
        raise InvalidValueError(
            f"The folder {folder} has no check.",
            hint=f"Its files are called {' or '.join(PATTERNS)}, and their functions marked with @podium.check.",
        )
    return found


def _in_module(module: ModuleType, place: str) -> list[Check]:
    found = _checks_of(module)
    if not found:
        raise InvalidValueError(f"{place} has no check.", hint="Mark its functions with @podium.check.")
    return found


def _checks_of(module: ModuleType) -> list[Check]:
    return [item for item in vars(module).values() if isinstance(item, Check)]


def _names(module: ModuleType) -> list[str]:
    return [item.name for item in _checks_of(module)]


def _same(item: Check) -> Any:
    code = getattr(item.function, "__code__", None)
    if item.spec is not None or code is None:
        return item.spec or id(item)
    return (item.name, code.co_filename, code.co_firstlineno) if "<locals>" not in _qualname(item) else id(item)


def _qualname(item: Check) -> str:
    return str(getattr(item.function, "__qualname__", "<locals>"))


def _place_of(module: str) -> str | None:
    """Return the name or file of a module that another process can load; None for a script or a notebook."""
    found = sys.modules.get(module)
    if found is None or module == "__main__":
        return None
    return str(found.__file__) if module.startswith(_OWN) else module


def _nowhere(name: str) -> str:
    raise InvalidValueError(
        f"The check {name!r} cannot run in a process of its own: only this process has it.",
        hint="Put it at the top of a module or a file and name that, or leave the time limit and isolate away.",
    )


def _can_import(name: str) -> bool:
    """Whether a name is a package rather than a folder without one."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    return found is not None and found.origin is not None


def _from_name(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise _broken(name, error) from error
        raise NotFoundError(
            f"There is no module {name!r} with checks.", hint="Give a module that can be imported, or a .py file."
        ) from error
    except (Exception, SystemExit) as error:
        raise _broken(name, error) from error


def load_module(path: Path) -> ModuleType:
    """Load a Python file as a module of its own.

    Raises:
        InvalidValueError: It cannot be loaded.
        NotFoundError: There is no such file.
    """
    if not path.is_file():
        raise _no_file(path)
    where = hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    name = f"{_OWN}{path.stem}_{where}"  # two files of one name in two folders are two modules
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look a module up by its name
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise _broken(str(path), error) from error
    return module


def _no_file(path: Path) -> NotFoundError:
    return NotFoundError(f"There is no file {path} with checks.", hint="Check the path.", path=str(path))


def _broken(place: str, error: BaseException) -> InvalidValueError:
    return InvalidValueError(f"The checks in {place} cannot be loaded: {named(error)}.", hint="Mend the file.")
