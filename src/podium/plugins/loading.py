"""From what is installed to what can be called: where plugins come from, and how one of them is loaded.

pluggy stops loading at the first plugin that does not import, and one manager for all would make each wait for each.
So every plugin has a manager of its own, which checks its hooks against the specification and knows no other.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pluggy

from podium.domain.names import check_label
from podium.domain.plain import Value
from podium.errors import InvalidNameError
from podium.plugins import hookspecs
from podium.plugins.dropins import find_dropins, load_dropin
from podium.plugins.guard import call_here, describe
from podium.settings import PluginChoice

GROUP = "podium"
NO_FOLDER = "drop-ins"  # what is listed in place of those of a folder that is not there
_log = logging.getLogger("podium.plugins")
PluginState = Literal["active", "loading", "failed", "left out"]


@dataclass(frozen=True, slots=True)
class PluginInfo(Value):
    """A plugin as ``podium plugins`` lists it.

    Attributes:
        name: The name of its entry point, or of its file in a folder of drop-ins.
        version: Of its distribution.
        source: The distribution and the module, or the file.
        hooks: What it implements.
        error: Why it is not in use, or None.
        state: ``active``, ``loading`` (it may be in use soon), ``failed``, or ``left out`` by the environment.
        channels: The names of the channels that it brings; None if it was not asked, see `PluginHost.examine`.
        actions: Likewise of the actions.
        faults: What is wrong with what it offers.
    """

    name: str
    version: str
    source: str
    hooks: tuple[str, ...] = ()
    error: str | None = None
    state: PluginState = "active"
    channels: tuple[str, ...] | None = None
    actions: tuple[str, ...] | None = None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin that was found and not imported yet.

    Attributes:
        name: What lists and policies call it.
        version: Of its distribution, empty if unknown.
        source: Where it is from, in words.
        load: Imports it.
        own: Whether it is part of Podium, and loaded at once.
        error: Why it cannot be loaded, or None.
        left_out: Whether that is the environment's wish.
    """

    name: str
    version: str
    source: str
    load: Callable[[], object]
    own: bool = False
    error: str | None = None
    left_out: bool = False


@dataclass
class Slot:
    """The place of one plugin in a host, from before it is loaded to when it can be called.

    Attributes:
        candidate: What was found.
        state: As `PluginInfo.state`.
        error: As `PluginInfo.error`.
        hooks: What it implements, by hook.
        since: When loading began, by the monotonic clock.
        thread: Where it is loaded, None in the caller's.
        waited: Whether a fork has waited for it.
    """

    candidate: Candidate
    state: PluginState = "loading"
    error: str | None = None
    hooks: dict[str, pluggy.HookImpl] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)
    thread: threading.Thread | None = None
    waited: bool = False

    @property
    def name(self) -> str:
        """What lists and policies call it."""
        return self.candidate.name

    def info(self) -> PluginInfo:
        """Return it as it is listed."""
        found = self.candidate
        return PluginInfo(
            found.name, found.version, found.source, tuple(sorted(self.hooks)), self.error, state=self.state
        )


@dataclass(frozen=True, slots=True)
class Loaded:
    """How loading a plugin ended.

    Attributes:
        hooks: What it implements.
        error: Why it cannot be used, or None.
        forked: Whether it forked the process.
    """

    hooks: dict[str, pluggy.HookImpl]
    error: str | None
    forked: bool = False


def load(candidate: Candidate) -> Loaded:
    """Import a plugin and read its hooks; whatever goes wrong is the answer, never raised."""
    outcome = call_here(lambda: read_hooks(candidate.load(), candidate.name))
    return Loaded(outcome.value if outcome.error is None else {}, outcome.error, outcome.forked)


def read_hooks(plugin: object, name: str) -> dict[str, pluggy.HookImpl]:
    """Return what a module or object implements, by hook.

    Raises:
        pluggy.PluginValidationError: It has a hook or an argument that does not exist.
        TypeError: One of its hooks is asynchronous or a wrapper.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name=name)
    manager.check_pending()
    hooks: dict[str, pluggy.HookImpl] = {}
    for caller in manager.get_hookcallers(plugin) or ():
        for implementation in caller.get_hookimpls():
            if inspect.iscoroutinefunction(implementation.function):
                raise TypeError(f"{caller.name} is asynchronous; hooks are called and not awaited")
            if implementation.hookwrapper or implementation.wrapper:
                raise TypeError(f"{caller.name} is a wrapper; each plugin is called on its own, so it wraps nothing")
            hooks[caller.name] = implementation
    return hooks


def find_candidates(choice: PluginChoice) -> Iterator[Candidate]:
    """Yield everything that is installed or dropped in: Podium's own first, then by name, then drop-ins by folder."""
    outcome = call_here(lambda: list(importlib.metadata.entry_points(group=GROUP)))
    if outcome.error is not None:  # the files of one distribution are damaged, and Python then tells of none
        yield _absent("entry points", "this environment", outcome.error)
    found = [_installed(entry_point) for entry_point in outcome.value or ()]
    for candidate in sorted(found, key=lambda item: (not item.own, item.name, item.source)):
        yield _chosen(candidate, choice)
    for folder in choice.folders:
        try:
            dropins = find_dropins(folder)
        except OSError as error:
            error_text = f"the folder that PODIUM_PLUGINS_DIR names cannot be read: {error.strerror}"
            yield _absent(NO_FOLDER, str(folder), error_text)
            continue
        for name, path in dropins:
            yield _chosen(_dropped_in(name, path), choice)


def _installed(entry_point: importlib.metadata.EntryPoint) -> Candidate:
    dist = entry_point.dist
    version, home = (dist.version, dist.name) if dist is not None else ("", "")
    own = entry_point.value.partition(":")[0].strip().split(".")[0] == "podium"
    return Candidate(entry_point.name, version, f"{home} ({entry_point.value})", entry_point.load, own)


def _dropped_in(name: str, path: Path) -> Candidate:
    try:
        check_label(name, "plugin name")
    except InvalidNameError as error:
        return _absent(name, str(path), str(error))
    return Candidate(name, "", str(path), lambda: load_dropin(path))


def _chosen(candidate: Candidate, choice: PluginChoice) -> Candidate:
    refusal = choice.refusal(candidate.name)
    return candidate if refusal is None else replace(candidate, error=refusal, left_out=True)


def _absent(name: str, source: str, error: str) -> Candidate:
    return Candidate(name, "", source, lambda: None, error=error)


class Loader:
    """Loads the plugins of one host: Podium's own at once, every other in a thread of its own.

    Args:
        changed: Told under its lock when a plugin was loaded, so that others can wait for that.
        told: Called with plugin and error for what is a fault though the plugin is in use.
    """

    def __init__(self, changed: threading.Condition, told: Callable[[str, str], None]) -> None:
        self.changed = changed
        self._told = told

    def start(self, slot: Slot, taken: bool) -> None:
        """Begin to load a plugin, unless its name is taken or it must not be."""
        candidate = slot.candidate
        if candidate.error is not None:
            slot.state, slot.error = "left out" if candidate.left_out else "failed", candidate.error
        elif taken:
            slot.state, slot.error = "failed", f"there is a plugin {candidate.name!r} already"
        elif candidate.own:
            self.finish(slot, load(candidate))
        else:
            run = threading.Thread(target=self._load, args=(slot,), name=f"podium-load-{slot.name}", daemon=True)
            slot.thread = run
            try:
                run.start()
            except RuntimeError as error:  # this machine has no further thread to give
                slot.state, slot.error = "failed", describe(error)

    def finish(self, slot: Slot, loaded: Loaded) -> None:
        """Write down how loading ended, for everybody who waits."""
        if loaded.error is not None:
            _log.warning("The plugin %r could not be loaded: %s", slot.name, loaded.error)
        if loaded.forked:
            self._told(slot.name, FORKED)
        with self.changed:
            slot.hooks, slot.error = loaded.hooks, loaded.error
            slot.state = "active" if loaded.error is None else "failed"
            self.changed.notify_all()

    def _load(self, slot: Slot) -> None:
        process = os.getpid()
        loaded = load(slot.candidate)
        if os.getpid() == process:
            self.finish(slot, loaded)


FORKED = "it forked this process, which has threads; a plugin runs another program with subprocess"
NO_HOOK = "no hook: is @hookimpl missing?"
CUT_SHORT = "this process was forked while the plugin was being loaded; it is not in use here"
