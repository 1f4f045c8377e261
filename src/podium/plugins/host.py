"""The plugin host: finds plugins, loads each on its own, and calls each on its own.

pluggy stops a whole call at the first implementation that raises, and loading at the first plugin that does not
import. Here every plugin is loaded and called in a guarded loop, so that one fault stays one plugin's fault.
"""

from __future__ import annotations

import functools
import importlib.metadata
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pluggy

from podium.domain.gates import GateResult, PromotionRequest
from podium.domain.names import check_label
from podium.domain.origin import Origin
from podium.domain.plain import Value, plain_dict, storable
from podium.errors import InvalidNameError
from podium.plugins import console, hookspecs
from podium.plugins.channels import Channel
from podium.plugins.guard import Outcome, call_here, call_within, describe

GROUP = "podium"
_log = logging.getLogger("podium.plugins")


@dataclass(frozen=True, slots=True)
class PluginInfo(Value):
    """A plugin as ``podium plugins`` lists it.

    Attributes:
        name: The name of its entry point.
        version: Of its distribution.
        source: The distribution and the module.
        hooks: What it implements.
        error: Why it is not in use, or None.
    """

    name: str
    version: str
    source: str
    hooks: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Fault(Value):
    """What a plugin did wrong in one call.

    Attributes:
        plugin: Its name.
        hook: The hook.
        error: One line.
    """

    plugin: str
    hook: str
    error: str


@dataclass
class PluginHost:
    """The plugins of this process; they are found at first use, never at import.

    Attributes:
        seconds: How long one plugin may take for one call.
        discover: Whether the entry points of this environment are loaded; without, there is only what is registered.
        faults: What went wrong in calls since somebody took the list away with `take_faults`.
    """

    seconds: float = 5.0
    discover: bool = True
    faults: list[Fault] = field(default_factory=list)
    _manager: pluggy.PluginManager | None = None
    _plugins: list[PluginInfo] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _channels: dict[str, Channel] | None = None

    def plugins(self) -> tuple[PluginInfo, ...]:
        """Return every plugin that was found, those that failed to load included."""
        self._load()
        return tuple(self._plugins)

    def has(self, hook: str) -> bool:
        """Whether any plugin implements a hook."""
        return bool(self._implementations(hook))

    def call(self, hook: str, **arguments: Any) -> list[tuple[str, Outcome]]:
        """Call a hook on every plugin, each guarded and with the time limit; return the outcomes by plugin."""
        outcomes = []
        for plugin, implementation in self._implementations(hook):
            chosen = {name: arguments[name] for name in implementation.argnames}
            outcome = call_within(functools.partial(implementation.function, **chosen), self.seconds)
            self._note(plugin, hook, outcome)
            outcomes.append((plugin, outcome))
        return outcomes

    def origin(self) -> Origin:
        """Return where the current call comes from, as the first plugin knows that does."""
        for plugin, implementation in self._implementations("podium_origin"):
            outcome = call_here(functools.partial(_usable_origin, implementation.function))
            self._note(plugin, "podium_origin", outcome)
            if outcome.value is not None:
                origin: Origin = outcome.value
                return origin
        return Origin()

    def vetoes(self, request: PromotionRequest) -> tuple[GateResult, ...]:
        """Ask every gate plugin; one that does not answer properly refuses in its own name."""
        return tuple(
            _verdict(plugin, outcome) for plugin, outcome in self.call("podium_check_promotion", request=request)
        )

    def channels(self) -> dict[str, Channel]:
        """Return the channels of all plugins by name."""
        if self._channels is None:
            found: dict[str, Channel] = {}
            for plugin, outcome in self.call("podium_channels"):
                offered = call_here(functools.partial(list, outcome.value or ()))
                self._note(plugin, "podium_channels", offered)
                for channel in offered.value or ():
                    error = _channel_error(channel, found)
                    self._note(plugin, "podium_channels", Outcome(error=error))
                    if error is None:
                        found[channel.name] = channel
            self._channels = found
        return self._channels

    def take_faults(self) -> list[Fault]:
        """Return the faults noted so far and forget them."""
        with self._lock:
            taken, self.faults = self.faults, []
        return taken

    def register(self, module: ModuleType | object, name: str, version: str = "", source: str = "") -> None:
        """Add one plugin by hand, as tests do; entry points come by themselves.

        A plugin whose hooks do not fit the specification is listed with its error and not used.
        """
        self._load()
        assert self._manager is not None
        self._register(self._manager, module, PluginInfo(name, version, source or "registered by hand"))

    def _note(self, plugin: str, hook: str, outcome: Outcome) -> None:
        if outcome.error is not None:
            _log.warning("The plugin %r failed in %s: %s", plugin, hook, outcome.error)
            with self._lock:
                self.faults.append(Fault(plugin, hook, outcome.error))

    def _implementations(self, hook: str) -> list[tuple[str, pluggy.HookImpl]]:
        caller = getattr(self._load().hook, hook)
        return [(item.plugin_name, item) for item in caller.get_hookimpls()]

    def _load(self) -> pluggy.PluginManager:
        with self._lock:
            if self._manager is None:
                manager = pluggy.PluginManager(hookspecs.PROJECT)
                manager.add_hookspecs(hookspecs)
                self._register(manager, console, PluginInfo("console", _podium_version(), "podium"))
                found = importlib.metadata.entry_points(group=GROUP) if self.discover else ()
                for entry_point in sorted(found, key=lambda item: item.name):
                    self._load_one(manager, entry_point)
                self._manager = manager
            return self._manager

    def _load_one(self, manager: pluggy.PluginManager, entry_point: importlib.metadata.EntryPoint) -> None:
        dist = entry_point.dist
        version, home = (dist.version, dist.name) if dist is not None else ("", "")
        info = PluginInfo(entry_point.name, version, f"{home} ({entry_point.value})")
        reason = _left_out(entry_point.name)
        if reason:
            self._plugins.append(PluginInfo(info.name, version, info.source, error=reason))
            return
        outcome = call_here(entry_point.load)
        if outcome.error is not None:
            _log.warning("The plugin %r could not be loaded: %s", info.name, outcome.error)
            self._plugins.append(PluginInfo(info.name, version, info.source, error=outcome.error))
            return
        self._register(manager, outcome.value, info)

    def _register(self, manager: pluggy.PluginManager, module: object, info: PluginInfo) -> None:
        error = f"there is a plugin {info.name!r} already" if manager.has_plugin(info.name) else None
        if error:
            self._plugins.append(PluginInfo(info.name, info.version, info.source, error=error))
            return
        try:
            manager.register(module, name=info.name)
            manager.check_pending()
        except Exception as problem:  # noqa: BLE001 - a plugin's mistake becomes its line in the list
            error = describe(problem)
            if manager.has_plugin(info.name):
                manager.unregister(name=info.name)
            _log.warning("The plugin %r does not fit: %s", info.name, error)
        hooks = tuple(sorted(caller.name for caller in (manager.get_hookcallers(module) or ()))) if not error else ()
        self._plugins.append(PluginInfo(info.name, info.version, info.source, hooks, error))


def _verdict(plugin: str, outcome: Outcome) -> GateResult:
    if outcome.error is not None:
        reason = f"The gate {plugin!r} could not decide: {outcome.error}"
        return GateResult("plugin", plugin, "failed", reason, {"answered": False, "error": outcome.error})
    if outcome.value is None:
        return GateResult("plugin", plugin, "passed", f"The gate {plugin!r} has no objection.", {"answered": True})
    if isinstance(outcome.value, str) and outcome.value.strip():
        said = storable(outcome.value.strip())
        return GateResult("plugin", plugin, "failed", f"{plugin}: {said}", {"answered": True, "said": said})
    reason = f"The gate {plugin!r} answered {outcome.value!r} instead of a sentence or None."
    return GateResult("plugin", plugin, "failed", storable(reason), {"answered": False})


def _usable_origin(function: Callable[[], object]) -> Origin | None:
    """Ask one plugin; an answer that could not be kept with a change is an error of the plugin, not of the change."""
    answer = function()
    if answer is None:
        return None
    if not isinstance(answer, Origin):
        raise TypeError(f"it answered {type(answer).__name__} instead of an Origin or None")
    for text in (answer.kind, answer.label, answer.url or "", answer.identity or ""):
        if not isinstance(text, str):
            raise TypeError("kind, label, url and identity of an Origin are text")
    return Origin.from_json(plain_dict(answer.to_json(), "The origin"))


def _channel_error(channel: object, found: dict[str, Channel]) -> str | None:
    if not isinstance(channel, Channel):
        return f"{type(channel).__name__} is not a podium.plugins.Channel"
    try:
        check_label(getattr(channel, "name", ""), "channel name")
    except InvalidNameError as error:
        return f"{type(channel).__name__}: {error}"
    return f"the channel {channel.name!r} exists already" if channel.name in found else None


def _left_out(name: str) -> str | None:
    """Say why PODIUM_PLUGINS_ALLOW or PODIUM_PLUGINS_BLOCK, names joined by commas, keep a plugin out."""
    allow, block = os.environ.get("PODIUM_PLUGINS_ALLOW"), os.environ.get("PODIUM_PLUGINS_BLOCK", "")
    if name in (item.strip() for item in block.split(",")):
        return "blocked by PODIUM_PLUGINS_BLOCK"
    if allow is not None and name not in (item.strip() for item in allow.split(",")):
        return "not named in PODIUM_PLUGINS_ALLOW"
    return None


def _podium_version() -> str:
    return importlib.metadata.version("podium")
