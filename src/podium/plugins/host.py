"""The plugin host: calls each plugin on its own, so that one fault stays one plugin's fault and no plugin waits.

Podium's own plugins are loaded at first use, every other in a thread of its own (see `podium.plugins.loading`). What is
asked meanwhile is answered by those that are there: a change never waits for a plugin that is slow to import. A gate
is waited for, and one that is not loaded in time refuses.
"""

from __future__ import annotations

import copy
import functools
import importlib.metadata
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

from podium.domain.events import Event
from podium.domain.gates import GateResult, PromotionRequest
from podium.domain.origin import Origin
from podium.domain.plain import Value
from podium.plugins import answers, builtin, console, forks
from podium.plugins.actions import Action
from podium.plugins.channels import Channel
from podium.plugins.guard import Outcome, call_here, call_within
from podium.plugins.loading import (
    CUT_SHORT,
    FORKED,
    NO_HOOK,
    Candidate,
    Loader,
    PluginInfo,
    Slot,
    find_candidates,
    load,
)
from podium.plugins.shelf import Shelf
from podium.settings import PluginChoice, read_plugin_choice

__all__ = ["Fault", "PluginHost", "PluginInfo"]

_LOADING = "loading"
_GRACE_SECONDS = 0.2  # most plugins are imported in less; then the first call knows all of them
_FORK_SECONDS = 1.0
_ANSWER_SECONDS = 0.5  # more than the limit of a call, so that its end is on record
_ORIGIN_SECONDS = 1.0
_LATE_SECONDS = 1.0
# A plugin that hangs in one of these is not called again before it comes back, and one that forks not at all. A gate
# always is: it must not refuse for ever because it once did not answer.
_OFFERS = ("podium_channels", "podium_actions")
_SKIPPED = frozenset({"podium_on_event", "podium_origin"})
_BUSY = "was not called: an earlier call of it has not come back"
_FORKS_AGAIN = "was not called: it forked this process before"
_MOST_LOGGED = 1000
_log = logging.getLogger("podium.plugins")


@dataclass(frozen=True, slots=True)
class Fault(Value):
    """What a plugin did wrong in one call.

    Attributes:
        plugin: Its name.
        hook: The hook, or ``loading``.
        error: One line.
    """

    plugin: str
    hook: str
    error: str


@dataclass(eq=False)
class PluginHost:
    """The plugins of this process; they are found at first use, never at import.

    Attributes:
        seconds: How long one plugin may take for one call, and to be loaded before a gate refuses in its name.
        discover: Whether installed plugins and drop-ins are loaded; without, there is only what is registered.
        choice: Which of them; what the environment says at first use if None.
        faults: What went wrong in calls since somebody took the list away with `take_faults`.
    """

    seconds: float = 5.0
    discover: bool = True
    faults: list[Fault] = field(default_factory=list)
    choice: PluginChoice | None = None

    def __post_init__(self) -> None:
        self._slots: list[Slot] = []
        self._started = False
        self._starting = threading.RLock()
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self._hung: dict[tuple[str, str], threading.Thread] = {}
        self._forked: set[tuple[str, str]] = set()
        self._running: dict[tuple[str, str], float] = {}
        self._logged: set[Fault] = set()
        self._misoffered: list[Fault] = []
        self._loader = Loader(self._changed, lambda plugin, error: self._add_fault(plugin, _LOADING, error))
        more = (self._changed, self._note, self.seconds)
        self._channels: Shelf[Channel] = Shelf("podium_channels", Channel, "channel", *more)  # type: ignore[type-abstract]  # no object is made of it
        self._actions: Shelf[Action] = Shelf("podium_actions", Action, "action", *more)  # type: ignore[type-abstract]  # no object is made of it

    def plugins(self) -> tuple[PluginInfo, ...]:
        """Return every plugin that was found, those that failed to load or still do it included."""
        return tuple(slot.info() for slot in self._wait_loaded())

    def taken(self) -> frozenset[str]:
        """Return the names of the plugins that are here and not left out by the environment."""
        return frozenset(slot.name for slot in self._all() if slot.state != "left out")

    def examine(self) -> tuple[PluginInfo, ...]:
        """Return every plugin with what it offers and what is wrong with that, after asking each, for a limited time.

        For whoever looks after an installation: what is found so is returned, and not noted as a fault.
        """
        slots = self._wait_loaded()
        with self._lock:
            before = list(self.faults)
        channels = self._channels.all(slots, self.seconds + _ANSWER_SECONDS)
        actions = self._actions.all(slots, self.seconds + _ANSWER_SECONDS)
        with self._lock:
            self.faults = [fault for fault in self.faults if fault in before or fault.hook not in _OFFERS]
            wrong = list(dict.fromkeys(self._misoffered))
        brings = [(self._channels.plugin_of(channel), name) for name, channel in channels.items()]
        does = [(self._actions.plugin_of(action), name) for name, action in actions.items()]
        return tuple(_examined(slot, brings, does, wrong) for slot in slots)

    def has(self, hook: str) -> bool:
        """Whether any plugin implements a hook, or may once it is loaded."""
        return any(hook in slot.hooks or slot.state == "loading" for slot in self._all())

    def call(self, hook: str, **arguments: Any) -> list[tuple[str, Outcome]]:
        """Call a hook on every plugin, each guarded and with the time limit; return the outcomes by plugin.

        It waits for plugins that are being loaded, until their time is over; those that are not loaded then are left
        out, which is a fault of theirs. Each gets copies of the arguments: what it does to them nobody else sees.
        """
        outcomes = []
        for slot in sorted(self._all(), key=lambda slot: slot.state == "loading"):
            outcome = self._call_on(slot, hook, arguments)
            if outcome is not None:
                outcomes.append((slot.name, outcome))
        return outcomes

    def observers(self) -> tuple[str, ...]:
        """Return the plugins that look at events, and those that may once they are loaded."""
        return tuple(slot.name for slot in self._all() if "podium_on_event" in slot.hooks or slot.state == "loading")

    def tell(self, plugin: str, event: Event) -> None:
        """Tell one plugin of an event; see `call`."""
        for slot in self._all():
            if slot.name == plugin and slot.state in ("active", "loading"):
                self._call_on(slot, "podium_on_event", {"event": event})

    def origin(self) -> Origin:
        """Return where the current call comes from, as the first plugin knows that does."""
        for slot in self._all():
            implementation = slot.hooks.get("podium_origin")
            if implementation is None:
                continue
            ask = functools.partial(answers.usable_origin, implementation.function)
            if slot.candidate.own:
                outcome = call_here(ask)
                self._note(slot.name, "podium_origin", outcome)
            else:
                outcome = self._call(slot.name, "podium_origin", ask, _ORIGIN_SECONDS)
            if outcome.value is not None:
                origin: Origin = outcome.value
                return origin
        return Origin()

    def vetoes(self, request: PromotionRequest) -> tuple[GateResult, ...]:
        """Ask every gate plugin; one that does not answer properly, or is not loaded in time, refuses in its name."""
        asked = self.call("podium_check_promotion", request=request)
        late = [slot for slot in self._all() if slot.state == "loading"]
        asked += [(slot.name, Outcome(error=f"it was not loaded within {self.seconds:g} s")) for slot in late]
        return tuple(answers.verdict(plugin, outcome) for plugin, outcome in asked)

    def wait_for_gates(self) -> None:
        """Wait until every plugin that may be a gate is loaded or its time is over, before a transaction asks them."""
        self._wait_loaded()

    def channels(self) -> dict[str, Channel]:
        """Return the channels of all plugins by name; see `channel` for one that is wanted."""
        return self._channels.all(self._wait_loaded(), self.seconds)

    def channel(self, name: str, seconds: float = 20.0) -> Channel | None:
        """Return a channel, at once if it is there; waits at most so long while a plugin may still bring it."""
        return self._channels.get(name, self._all(), seconds)

    def actions(self) -> dict[str, Action]:
        """Return the actions of all plugins by name; see `action` for one that is wanted."""
        return self._actions.all(self._wait_loaded(), self.seconds)

    def action(self, name: str, seconds: float = 20.0) -> Action | None:
        """Return an action, at once if it is there; waits at most so long while a plugin may still bring it."""
        return self._actions.get(name, self._all(), seconds)

    def blame(self, target: Channel | Action, call: str, outcome: Outcome) -> None:
        """Note what a channel or an action did wrong in a call, as a fault of the plugin that brought it."""
        shelf: Shelf[Any] = self._channels if isinstance(target, Channel) else self._actions
        self._note(shelf.plugin_of(target) or target.name, call, outcome)

    def loading(self) -> tuple[str, ...]:
        """Return the names of plugins that are being loaded, for messages about what is not there."""
        return tuple(slot.name for slot in self._all() if slot.state == "loading")

    def take_faults(self) -> list[Fault]:
        """Return the faults noted so far and forget them."""
        with self._lock:
            taken, self.faults = self.faults, []
        return taken

    def late(self, plugin: str) -> list[Fault]:
        """Return why an observer is not told yet, if that takes a while by now; for a process that wants to end."""
        now, found = time.monotonic(), []
        since = self._running.get((plugin, "podium_on_event"), now)
        if now - since > _LATE_SECONDS:
            words = f"gave no answer within {now - since:.1f} s, when the process ended"
            found.append(Fault(plugin, "podium_on_event", words))
        for slot in self._all():
            if slot.name == plugin and slot.state == "loading" and now - slot.since > _LATE_SECONDS:
                words = f"not loaded after {now - slot.since:.1f} s, when the process ended"
                found.append(Fault(plugin, _LOADING, words))
        return found

    def register(self, module: ModuleType | object, name: str, version: str = "", source: str = "") -> None:
        """Add one plugin by hand, as tests do; what is installed comes by itself.

        A plugin whose hooks do not fit the specification is listed with its error and not used.
        """
        taken = any(slot.name == name for slot in self._all())
        slot = Slot(Candidate(name, version, source or "registered by hand", lambda: module))
        if taken:
            slot.state, slot.error = "failed", f"there is a plugin {name!r} already"
        else:
            self._loader.finish(slot, load(slot.candidate))
        with self._changed:
            self._slots.append(slot)
            self._changed.notify_all()

    def before_fork(self) -> None:
        """Let plugins that are being loaded come to an end, once and not for long."""
        slots = [slot for slot in self._slots if slot.state == "loading" and not slot.waited and slot.thread]
        if any(slot.thread is threading.current_thread() for slot in self._slots):
            return  # a plugin forks while it is imported
        end = time.monotonic() + _FORK_SECONDS
        for slot in slots:
            slot.waited = True
            if slot.thread is not None:
                slot.thread.join(max(0.0, end - time.monotonic()))

    def after_fork(self) -> None:
        """Begin with new locks; whatever was under way in a thread is not, here."""
        self._starting, self._lock, self._changed = threading.RLock(), threading.Lock(), threading.Condition()
        self._loader.changed = self._channels.changed = self._actions.changed = self._changed
        self._hung.clear()
        self._running.clear()
        for slot in self._slots:
            if slot.state == "loading":
                slot.state, slot.error = "failed", CUT_SHORT
        for shelf in (self._channels, self._actions):
            shelf.forget_open()

    def _call_on(self, slot: Slot, hook: str, arguments: Mapping[str, Any]) -> Outcome | None:
        """Call a hook of one plugin, once it is loaded; None if it has none, or is not loaded in time."""
        self._wait_for(slot)
        if slot.state == "loading":
            self._add_fault(slot.name, _LOADING, f"not loaded after {self.seconds:g} s, so not called in {hook}")
        implementation = slot.hooks.get(hook)
        if implementation is None:
            return None
        chosen = {name: copy.deepcopy(arguments[name]) for name in implementation.argnames}
        return self._call(slot.name, hook, functools.partial(implementation.function, **chosen))

    def _call(self, plugin: str, hook: str, function: Any, most: float = float("inf")) -> Outcome:
        hung = self._hung.get((plugin, hook))
        if hung is not None and hung.is_alive():
            outcome = Outcome(error=_BUSY)
        elif (plugin, hook) in self._forked:
            outcome = Outcome(error=_FORKS_AGAIN)
        else:
            with self._at_work(plugin, hook):
                outcome = call_within(function, min(self.seconds, most))
            if outcome.thread is not None and hook in _SKIPPED:
                self._hung[plugin, hook] = outcome.thread
            if outcome.forked and hook in _SKIPPED:
                self._forked.add((plugin, hook))
        self._note(plugin, hook, outcome)
        return outcome

    @contextmanager
    def _at_work(self, plugin: str, hook: str) -> Iterator[None]:
        self._running[plugin, hook] = time.monotonic()
        try:
            yield
        finally:
            self._running.pop((plugin, hook), None)

    def _note(self, plugin: str, hook: str, outcome: Outcome) -> None:
        if outcome.error is not None:
            # What a plugin says when it fails to look a secret up may hold the secret; faults are stored and shown.
            unsaid = hook == "podium_resolve_secret" and outcome.cause is not None
            self._add_fault(plugin, hook, type(outcome.cause).__name__ if unsaid else outcome.error)
        if outcome.forked:
            self._add_fault(plugin, hook, FORKED)

    def _add_fault(self, plugin: str, hook: str, error: str) -> None:
        fault = Fault(plugin, hook, error)
        with self._lock:
            self.faults.append(fault)
            if hook in _OFFERS:
                self._misoffered.append(fault)
            known = fault in self._logged
            if len(self._logged) < _MOST_LOGGED:
                self._logged.add(fault)
        if not known:  # once: a plugin that fails at every event must not fill the log
            _log.warning("The plugin %r failed in %s: %s", plugin, hook, error)

    def _wait_loaded(self) -> list[Slot]:
        """Return all plugins, after waiting for each until its time to be loaded is over."""
        slots = self._all()
        for slot in slots:
            self._wait_for(slot)
        return slots

    def _wait_for(self, slot: Slot) -> None:
        end = slot.since + self.seconds - time.monotonic()
        with self._changed:
            self._changed.wait_for(lambda: slot.state != "loading", max(0.0, end))

    def _all(self) -> list[Slot]:
        """Return the plugins, in the order in which they are called; the first call finds them."""
        if not self._started:
            with self._starting:
                if not self._started:
                    self._start()
                    self._started = True
        return list(self._slots)

    def _start(self) -> None:
        forks.watch(self)
        built_in = [_built_in("console", console), _built_in("actions", builtin)]
        choice = self.choice or read_plugin_choice()
        found = [*built_in, *(find_candidates(choice) if self.discover else ())]
        slots = [Slot(candidate) for candidate in found]
        self._slots = slots
        names: set[str] = set()
        for slot in slots:
            self._loader.start(slot, slot.name in names)
            names.add(slot.name)
        end = time.monotonic() + _GRACE_SECONDS
        for slot in slots:
            if slot.thread is not None and slot.thread.is_alive():
                slot.thread.join(max(0.0, end - time.monotonic()))


def _examined(
    slot: Slot,
    channels: Sequence[tuple[str | None, str]],
    actions: Sequence[tuple[str | None, str]],
    wrong: list[Fault],
) -> PluginInfo:
    if slot.state != "active":
        return slot.info()
    faults = [f"{each.hook.removeprefix('podium_')}: {each.error}" for each in wrong if each.plugin == slot.name]
    return replace(
        slot.info(),
        channels=tuple(name for plugin, name in channels if plugin == slot.name),
        actions=tuple(name for plugin, name in actions if plugin == slot.name),
        faults=tuple(faults if slot.hooks else [NO_HOOK]),
    )


def _built_in(name: str, module: ModuleType) -> Candidate:
    return Candidate(name, importlib.metadata.version("podium"), "podium", lambda: module, own=True)
