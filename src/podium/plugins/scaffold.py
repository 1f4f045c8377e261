"""A new plugin: a whole distribution, written from the template beside this file, whose tests pass as it stands.

Jinja2 renders it, which Podium has for the templates of messages anyway. Copier could carry later changes of the
template into plugins that were written before; it would bring a dozen distributions into every Airflow worker for that.
"""

from __future__ import annotations

import keyword
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal, get_args

from podium.domain.plain import Value
from podium.errors import AlreadyExistsError, InvalidNameError, InvalidValueError, StorageError

Kind = Literal["channel", "gate", "action"]
_NAME = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,39}")
_TAKEN = frozenset({"airflow", "apprise", "console", "email", "podium", "prefect", "slack", "webhook"})
_HOOKS = {"channel": "podium_channels", "gate": "podium_check_promotion", "action": "podium_actions"}
_LAYERS = {"channel": ("common", "web", "channel"), "gate": ("common", "gate"), "action": ("common", "web", "action")}
_SUMMARIES = {
    "channel": "The channel {name} of Podium: registry events as messages.",
    "gate": "The gate {name} of Podium: a rule that every promotion must pass.",
    "action": "The action {name} of Podium: what an automation can start.",
}


@dataclass(frozen=True, slots=True)
class NewPlugin(Value):
    """A plugin that was written.

    Attributes:
        name: What Podium calls it.
        kind: ``channel``, ``gate`` or ``action``.
        distribution: What pip calls it.
        package: What Python calls it.
        folder: Where it is.
        files: What was written, relative to the folder.
    """

    name: str
    kind: str
    distribution: str
    package: str
    folder: str
    files: tuple[str, ...]


def write_plugin(name: str, kind: str = "channel", into: str | Path = ".") -> NewPlugin:
    """Write a new distribution into a folder of its own; all of it or nothing.

    Args:
        name: Small letters, digits and dashes, such as ``teams``; ``podium-`` before it may be left out.
        kind: ``channel``, ``gate`` or ``action``.
        into: The folder in which the new one is made.

    Raises:
        AlreadyExistsError: There is something at that place.
        InvalidNameError: The name cannot be used.
        InvalidValueError: There is no such kind.
        StorageError: The folder cannot be written.
    """
    if kind not in get_args(Kind):
        raise InvalidValueError(f"{kind!r} is no kind of plugin.", hint=f"Use one of {', '.join(get_args(Kind))}.")
    short = _checked(name)
    words = {
        "name": short,
        "kind": kind,
        "distribution": f"podium-{short}",
        "package": f"podium_{short.replace('-', '_')}",
        "cls": _class_name(short),
        "hook": _HOOKS[kind],
        "summary": _SUMMARIES[kind].format(name=short),
    }
    target = Path(into).expanduser().absolute() / words["distribution"]
    if target.exists() or target.is_symlink():
        raise AlreadyExistsError(f"{target} is there already.", hint="Choose another name, or another folder: --into.")
    written = _write(target, kind, words)
    return NewPlugin(short, kind, words["distribution"], words["package"], str(target), written)


def _class_name(short: str) -> str:
    name = "".join(part.capitalize() for part in short.split("-"))
    # pytest would take TestrailChannel, once it is imported there, for a case of tests.
    return f"The{name}" if name.startswith("Test") else name


def _checked(name: str) -> str:
    short = name.removeprefix("podium-")
    hint = "Use small letters, digits and dashes, a letter first, at most 40: for example 'teams'."
    if not _NAME.fullmatch(short):
        raise InvalidNameError(f"{name!r} is no name for a plugin.", hint=hint)
    if short in _TAKEN or keyword.iskeyword(short) or short in sys.stdlib_module_names:
        raise InvalidNameError(f"{name!r} is the name of something else.", hint="Choose a name of its own.")
    return short


def _write(target: Path, kind: str, words: dict[str, str]) -> tuple[str, ...]:
    import jinja2

    environment = jinja2.Environment(  # noqa: S701 - Python and TOML, no HTML; the words are checked names
        undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    written: list[str] = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".podium-plugin-") as folder:
            draft = Path(folder) / "draft"
            for path, template in _templates(kind):
                place = path.replace("PACKAGE", words["package"]).removesuffix(".jinja")
                (draft / place).parent.mkdir(parents=True, exist_ok=True)
                text = environment.from_string(template.read_text(encoding="utf-8")).render(words)
                (draft / place).write_text(text, encoding="utf-8")
                written.append(place)
            shutil.move(draft, target)
    except OSError as error:
        raise StorageError(
            f"{target} cannot be written: {error.strerror}.", hint="Choose a folder that you may write: --into."
        ) from error
    return tuple(sorted(written))


def _templates(kind: str) -> Iterator[tuple[str, Traversable]]:
    for layer in _LAYERS[kind]:
        root = files("podium.plugins") / "template" / layer
        yield from _below(root, "")


def _below(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for item in sorted(folder.iterdir(), key=lambda found: found.name):
        if item.is_dir():
            yield from _below(item, f"{prefix}{item.name}/")
        elif item.name.endswith(".jinja"):
            yield f"{prefix}{item.name}", item
