"""What plugins offer of one kind, channels or actions, by name: each is asked once, and none waits for another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from podium.domain.names import check_label
from podium.errors import InvalidNameError
from podium.plugins.guard import Outcome, call_within
from podium.plugins.loading import Slot

T = TypeVar("T")


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
        self._found: dict[str, T] = {}
        self._asked: set[str] = set()
        self._open: set[str] = set()

    def all(self, slots: Sequence[Slot], seconds: float) -> dict[str, T]:
        """Return everything by name, after waiting at most so long for plugins that are loaded but did not answer."""
        self._wait([slot for slot in slots if slot.state != "loading"], seconds, lambda: False)
        with self.changed:
            return dict(self._found)

    def get(self, name: str, slots: Sequence[Slot], seconds: float) -> T | None:
        """Return one thing, at once if it is there; waits at most so long while a plugin may still bring it."""
        self._wait(slots, seconds, lambda: name in self._found)
        with self.changed:
            return self._found.get(name)

    def forget_open(self) -> None:
        """Give up what is asked just now; for the child of a fork, which has no such thread."""
        self._asked -= self._open
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
                    self.changed.wait(left)

    def _news(self, slots: Sequence[Slot]) -> list[Slot]:
        return [slot for slot in slots if self.hook in slot.hooks and slot.name not in self._asked]

    def _ask(self, slots: Sequence[Slot]) -> None:
        with self.changed:
            news = self._news(slots)
            self._asked.update(slot.name for slot in news)
            self._open.update(slot.name for slot in news)
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
        notes = [outcome]
        with self.changed:
            for thing in outcome.value or ():
                error = self._refusal(thing)
                if error is None:
                    self._found[thing.name] = thing
                else:
                    notes.append(Outcome(error=error))
        # Before whoever waits goes on: what went wrong is on record by then.
        for note in notes:
            self._note(slot.name, self.hook, note)
        with self.changed:
            self._open.discard(slot.name)
            self.changed.notify_all()

    def _refusal(self, thing: Any) -> str | None:
        if not isinstance(thing, self._kind):
            return f"{type(thing).__name__} is not a podium.plugins.{self._kind.__name__}"
        name = getattr(thing, "name", "")
        try:
            check_label(name, f"{self._word} name")
        except InvalidNameError as error:
            return f"{type(thing).__name__}: {error}"
        return f"the {self._word} {name!r} exists already" if name in self._found else None


def _listed(function: Callable[[], Any]) -> list[Any]:
    """Ask, and read the answer in the same guarded call: it may be a generator that raises half way."""
    answer = function()
    return list(answer) if answer is not None else []
