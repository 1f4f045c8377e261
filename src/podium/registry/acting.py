"""In whose name a call is made: for the time of an action, the automation's, and not the process's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from podium.domain.origin import Origin


@dataclass(frozen=True, slots=True)
class Acting:
    """Who makes the calls of a context, and from where.

    Attributes:
        actor: Who.
        origin: From which execution.
    """

    actor: str
    origin: Origin


_ACTING: ContextVar[Acting | None] = ContextVar("podium_acting", default=None)


def acting_now() -> Acting | None:
    """Return in whose name the calls of this context are made, if not in that of the process."""
    return _ACTING.get()


@contextmanager
def acting_as(actor: str, origin: Origin) -> Iterator[None]:
    """Make the calls of a block in another name; a thread that is started with a copy of the context as well."""
    token = _ACTING.set(Acting(actor, origin))
    try:
        yield
    finally:
        _ACTING.reset(token)
