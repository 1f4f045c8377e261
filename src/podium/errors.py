"""Every error that Podium raises on purpose.

The tree::

    PodiumError
    ├── NotFoundError              a reference names nothing
    ├── AlreadyExistsError         a name is taken
    ├── ConflictError              somebody else was faster             (retryable)
    ├── InvalidNameError           a name breaks the naming rules
    ├── InvalidValueError          an argument cannot be used
    ├── PromotionRefusedError      a gate refused to move a stage
    ├── PermissionDeniedError      this actor may not do that
    ├── IntegrityError             stored bytes are not what was logged
    ├── StorageError               the content store failed
    ├── DatabaseUnavailableError   the database cannot be reached       (retryable)
    ├── SchemaOutdatedError        database and library do not fit
    ├── SettingsError              configuration is wrong or contradicts itself
    └── PluginError                a plugin is broken or misconfigured

Each error has a stable ``code`` for machines, carries its facts in ``facts``, and ends its text with a hint that says
what to do next. Errors of
the database, of an SDK or of the file system never reach a caller: they are the ``__cause__``.
"""

from __future__ import annotations

from typing import Any, ClassVar

_STOPS = ".!?…:;"


class PodiumError(Exception):
    """Base of all errors of Podium.

    Args:
        message: What happened, as one sentence.
        hint: What to do next, as one sentence.
        **facts: The values that the message is about, kept for machines.
    """

    code: ClassVar[str] = "podium"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.facts = facts

    def __str__(self) -> str:
        # A message may end in the words of a person, who set no stop.
        stop = "." if self.hint and self.message[-1:] not in _STOPS else ""
        return f"{self.message}{stop} {self.hint}".strip()

    def __getattr__(self, name: str) -> Any:
        """Give each fact as an attribute: ``error.holder`` is ``error.facts["holder"]``."""
        try:
            return self.__dict__["facts"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __reduce__(self) -> tuple[Any, ...]:
        # Hosts pickle errors across processes; keyword arguments would be lost by the default way.
        return (_rebuild, (type(self), self.message, self.hint, self.facts))

    def to_json(self) -> dict[str, Any]:
        """Return the error as plain JSON values, as ``podium --json`` prints it."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "facts": _plain(self.facts)}


class NotFoundError(PodiumError):
    """A reference, a run, a stage or a file names nothing."""

    code = "not_found"


class AlreadyExistsError(PodiumError):
    """The name is taken, or the version exists and ``on_duplicate="error"`` was asked for."""

    code = "already_exists"


class ConflictError(PodiumError):
    """Somebody else changed what this call expected; ``holder`` says what stands there now."""

    code = "conflict"
    retryable = True


class InvalidNameError(PodiumError):
    """A name or a path breaks the naming rules; it is rejected, never repaired."""

    code = "invalid_name"


class InvalidValueError(PodiumError):
    """An argument has a value that cannot be used."""

    code = "invalid_value"


class PromotionRefusedError(PodiumError):
    """A promotion did not pass its gates; ``reasons`` has a sentence for each gate that failed."""

    code = "promotion_refused"


class PermissionDeniedError(PodiumError):
    """The actor may not do that: an author approves, or somebody without the role that is needed."""

    code = "permission_denied"


class IntegrityError(PodiumError):
    """Stored or read bytes do not have the digest that was logged."""

    code = "integrity"


class StorageError(PodiumError):
    """The content store, or the file of an SQLite database, could not be read or written."""

    code = "storage"


class DatabaseUnavailableError(PodiumError):
    """The database cannot be reached or stayed locked; the same call may succeed later."""

    code = "database_unavailable"
    retryable = True


class SchemaOutdatedError(PodiumError):
    """The schema of the database is missing, older or newer than this Podium needs."""

    code = "schema_outdated"


class SettingsError(PodiumError):
    """The configuration is wrong or contradicts what the database records."""

    code = "settings"


class PluginError(PodiumError):
    """A plugin is missing, broken or misconfigured."""

    code = "plugin"


def is_away(error: PodiumError) -> bool:
    """Whether what can wait should: the database is out of reach, read-only or without room, which somebody mends.

    A change is not tried again for the latter two: who made it hears of it at once. A worker has nobody to tell.
    """
    return error.retryable or bool(error.facts.get("away"))


def _rebuild(kind: type[PodiumError], message: str, hint: str, facts: dict[str, Any]) -> PodiumError:
    return kind(message, hint=hint, **facts)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, PodiumError):
        return value.to_json()
    return value if isinstance(value, str | int | float | bool | None) else str(value)
