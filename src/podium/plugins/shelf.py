"""What plugins offer of one kind, channels or actions, by name: each is asked once, and none waits for another.

A name that several offer goes to the same one in every process, whoever answers first: to Podium's own plugin, then to
the plugin that is called so (``slack`` for the channel ``slack``, ``airflow`` for the action ``airflow.trigger_dag``),
then to the first in the order of plugins. Only for that is a plugin waited for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from podium.domain.names import check_label
from podium.errors import InvalidNameError
from podium.plugins.guard import Outcome, call_within
from podium.plugins.loading import Slot

T = TypeVar("T")
_STEP_SECONDS = 0.01
_PATIENCE = 0.9  # of the time of a plugin: whoever asks for so long then gets what others offer


class Shelf(Generic[T]):
    """The things of one kind.

    Args:
        hook: The hook that offers them.
        kind: Their class.
        word: What to call one, such as ``channel``.
        changed: Told when there is news of plugins.
        note: Called with plugin, hook and outcome of each call.
        seconds: How long a plugin may take to offer them.
    """

    def __init__(
        self,
        hook: str,
        kind: type[T],
        word: str,
        changed: threading.Condition,
        note: Callable[[str, str, Outcome], None],
        seconds: float,
    ) -> None:
        self.hook = hook
        self.changed = changed
        self._kind = kind
        self._word = word
        self._note = note
        self._seconds = seconds
        self._patience = _PATIENCE * seconds
        self._offers: dict[str, dict[str, T]] = {}  # by plugin, then by name
        self._asked: set[str] = set()
        self._open: dict[str, float] = {}  # who is asked just now, and since when
        self._order: list[Slot] = []

    def all(self, slots: Sequence[Slot], seconds: float) -> dict[str, T]:
        """Return everything by name, after waiting at most so long for plugins that are loaded but did not answer."""
        self._wait([slot for slot in slots if slot.state != "loading"], seconds, lambda: not self._open)
        with self.changed:
            names = {name for offers in self._offers.values() for name in offers}
            return {name: self._offers[self._holders(name, slots)[0].name][name] for name in sorted(names)}

    def get(self, name: object, slots: Sequence[Slot], seconds: float) -> T | None:
        """Return one thing, at once if it is clear whose it is; waits at most so long while a plugin may bring it."""
        if not isinstance(name, str):
            return None  # a caller's slip, which nobody can bring
        wanted = name
        self._wait(slots, seconds, lambda: self._decided(wanted, slots))
        with self.changed:
            return self._offers[self._holders(name, slots)[0].name][name] if self._decided(name, slots) else None

    def plugin_of(self, thing: T) -> str | None:
        """Return which plugin brought a thing, None if none did."""
        with self.changed:
            held = ((plugin, item) for plugin, offers in self._offers.items() for item in offers.values())
            return next((plugin for plugin, item in held if item is thing), None)

    def forget_open(self) -> None:
        """Give up what is asked just now; for the child of a fork, which has no such thread."""
        self._asked -= self._open.keys()
        self._open.clear()

    def _wait(self, slots: Sequence[Slot], seconds: float, enough: Callable[[], bool]) -> None:
        end = time.monotonic() + seconds
        while True:
            self._ask(slots)
            with self.changed:
                left = end - time.monotonic()
                if enough() or left <= 0 or not (self._open or any(slot.state == "loading" for slot in slots)):
                    return
                if not self._news(slots):
                    self.changed.wait(min(left, self._until_late(slots)))

    def _until_late(self, slots: Sequence[Slot]) -> float:
        """Return in how many seconds the next plugin is no longer waited for where another offers what is wanted."""
        since = [*self._open.values(), *(slot.since for slot in slots if slot.state == "loading")]
        left = [moment + self._patience - time.monotonic() for moment in since]
        return min((seconds for seconds in left if seconds > 0), default=float("inf")) + _STEP_SECONDS

    def _decided(self, name: str, slots: Sequence[Slot]) -> bool:
        """Whether a name is offered, and nobody can come who goes before."""
        holders = self._holders(name, slots)
        return bool(holders) and not any(self._may_come(slot) for slot in _ranked(name, slots, before=holders[0]))

    def _may_come(self, slot: Slot) -> bool:
        since = slot.since if slot.state == "loading" else self._open.get(slot.name)
        return bool(self._news([slot])) or (since is not None and time.monotonic() < since + self._patience)

    def _holders(self, name: str, slots: Sequence[Slot]) -> list[Slot]:
        """Return who offers a name, first whose it is."""
        return [slot for slot in _ranked(name, slots) if slot.hooks and name in self._offers.get(slot.name, {})]

    def _news(self, slots: Sequence[Slot]) -> list[Slot]:
        return [slot for slot in slots if self.hook in slot.hooks and slot.name not in self._asked]

    def _ask(self, slots: Sequence[Slot]) -> None:
        with self.changed:
            news = self._news(slots)
            self._asked.update(slot.name for slot in news)
            self._open.update((slot.name, time.monotonic()) for slot in news)
            self._order = list(slots)
        # Podium's own first and here, so that nobody else can take their names.
        for slot in sorted(news, key=lambda slot: not slot.candidate.own):
            if slot.candidate.own:
                self._take(slot)
                continue
            asking = threading.Thread(target=self._take, args=(slot,), name=f"podium-ask-{slot.name}", daemon=True)
            try:
                asking.start()
            except RuntimeError:  # this machine has no further thread to give; the call within says so
                self._take(slot)

    def _take(self, slot: Slot) -> None:
        function = slot.hooks[self.hook].function
        outcome = call_within(partial(_listed, function), self._seconds)
        notes = [(slot.name, outcome)]
        with self.changed:
            offers = self._offers.setdefault(slot.name, {})
            for name, thing in outcome.value or ():
                error = self._refusal(name, thing, offers)
                if error is not None:
                    notes.append((slot.name, Outcome(error=error)))
                    continue
                offers[name] = thing
                rivals = [rival.name for rival in self._holders(name, self._order)]
                if len(rivals) > 1:  # it is had by one before, or taken from the one that had it
                    loser = rivals[1] if rivals[0] == slot.name else slot.name
                    words = f"the {self._word} {name!r} exists already, in the plugin {rivals[0]!r}"
                    notes.append((loser, Outcome(error=words)))
        # Before whoever waits goes on: what went wrong is on record by then.
        for plugin, note in notes:
            self._note(plugin, self.hook, note)
        with self.changed:
            self._open.pop(slot.name, None)
            self.changed.notify_all()

    def _refusal(self, name: Any, thing: Any, offers: Container[str]) -> str | None:
        if not isinstance(thing, self._kind):
            return f"{type(thing).__name__} is not a podium.plugins.{self._kind.__name__}"
        try:
            check_label(name, f"{self._word} name")
        except InvalidNameError as error:
            return f"{type(thing).__name__}: {error}"
        return f"the {self._word} {name!r} is offered twice" if name in offers else None


def called_for(name: str) -> frozenset[str]:
    """Return what a plugin is called that a channel or action belongs to: its name, or the first parts of it."""
    parts = name.split(".")
    return frozenset(".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _ranked(name: str, slots: Sequence[Slot], before: Slot | None = None) -> list[Slot]:
    """Return plugins in the order in which a name would be theirs, up to one of them."""
    called_so = called_for(name)
    ranked = sorted(slots, key=lambda slot: (not slot.candidate.own, slot.name not in called_so))
    return ranked if before is None else ranked[: ranked.index(before)]


def _listed(function: Callable[[], Any]) -> list[tuple[Any, Any]]:
    """Ask, and read the answer in the same guarded call: a generator may raise half way, and a name too."""
    answer = function()
    return [(getattr(thing, "name", ""), thing) for thing in answer] if answer is not None else []
