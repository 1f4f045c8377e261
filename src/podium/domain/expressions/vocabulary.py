"""Which names an expression may use about a subject, and what they mean."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

_PLAIN_PART = re.compile(r"\w+")
# What MLflow and W&B call fields, and what that may be here; a name of a family has a further name behind it.
_ELSEWHERE: dict[str, tuple[str, ...]] = {
    "params": ("config",),
    "param": ("config",),
    "parameter": ("config",),
    "parameters": ("config",),
    "tags": ("metadata",),
    "summary": ("metric",),
    "summary_metrics": ("metric",),
    "run_id": ("run.id", "id"),
    "run_name": ("run.name", "name"),
    "version_number": ("number",),
    "creation_timestamp": ("created",),
    "start_time": ("created",),
    "end_time": ("finished",),
    "user_id": ("created_by",),
}
_PREFIXES = frozenset({"attribute", "attributes", "attr"})
_ALL_WORDS = frozenset({"and", "or", "not", "in", "like", "is", "null", "true", "false"})


class Type(Enum):
    """What the values of a field are."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    TRUTH = "true or false"
    ANY = "any value"  # of metadata and configuration: known only by looking at it


@dataclass(frozen=True, slots=True)
class Field:
    """A name that an expression may use.

    Attributes:
        name: As it is written: ``created_by``, ``run.status``; of a family, what stands before the last dot.
        type: Of each value.
        about: What it is, in a few words.
        family: Whether a further name follows: ``metric.accuracy``.
        many: Whether it is a set of values, as tags are. A set is never missing, it may be empty.
        synonyms: Other names for it.
        choices: The only values that it can have, if there are only a few.
    """

    name: str
    type: Type
    about: str = ""
    family: bool = False
    many: bool = False
    synonyms: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The name as a list of fields shows it."""
        return f"{self.name}.NAME" if self.family else self.name


@dataclass(frozen=True, slots=True)
class Found:
    """A field as an expression uses it.

    Attributes:
        field: The field.
        key: Which of a family, None for a field of its own.
    """

    field: Field
    key: str | None = None

    @property
    def path(self) -> str:
        """As it is written in an expression."""
        return self.field.name if self.key is None else f"{self.field.name}.{written(self.key)}"

    @property
    def several(self) -> bool:
        """Whether it may have several values: sets, and lists in metadata."""
        return self.field.many or self.field.type is Type.ANY


class Vocabulary:
    """The fields of one subject.

    Args:
        subject: What the expression is about, in the plural: ``versions``.
        fields: Its fields.
        meant: Names that are none, and which field somebody means by each.
    """

    def __init__(self, subject: str, fields: tuple[Field, ...], meant: Mapping[str, str] | None = None) -> None:
        self.subject = subject
        self.fields = fields
        self._meant = meant or {}
        self._by_name = {name: field for field in fields for name in (field.name, *field.synonyms)}

    def find(self, parts: tuple[str, ...]) -> Found | None:
        """Return what a name means, None if it is no field.

        Args:
            parts: The parts between the dots.
        """
        field = self._by_name.get(".".join(parts))
        if field is not None and not field.family:
            return Found(field)
        for size in range(len(parts) - 1, 0, -1):
            family = self._by_name.get(".".join(parts[:size]))
            if family is not None and family.family:
                return Found(family, ".".join(parts[size:]))
        return None

    def near(self, name: str) -> list[str]:
        """Return the fields that are spelled like a name, best first; for a family, with what follows in the name."""
        head, dot, key = name.partition(".")
        if (meant := self._meant.get(head.lower())) is not None and (not dot or self.find((*meant.split("."), key))):
            return [f"{meant}{dot}{key}"]
        if (other := self._elsewhere(name)) is not None:
            return [other]
        families = [known for known, field in self._by_name.items() if field.family]
        if dot and (near := near_names(head, families)):
            return [f"{near[0]}.{key}"]
        if not dot and name in families:
            return [f"{name}.NAME"]
        near = near_names(name, [*self._by_name, *self._meant])
        fields = {known: field.name for known, field in self._by_name.items()}  # a field is proposed by its own name
        return list(dict.fromkeys(self._meant.get(known) or fields[known] for known in near))

    def _elsewhere(self, name: str) -> str | None:
        """Return what a name of MLflow's or W&B's search is called here, None if it is none or means nothing here."""
        head, dot, key = name.partition(".")
        if head.lower() in _PREFIXES and dot:
            return key if self.find(tuple(key.split("."))) is not None else self._elsewhere(key)
        for meant in _ELSEWHERE.get(head.lower(), ()):
            field = self._by_name.get(meant)
            if field is not None and field.family == bool(dot):
                return f"{meant}.{key}" if dot else meant
        return None


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """Return the names that are spelled like one, best first; case and the marks between words do not count."""
    names = {_folded(item): item for item in known}
    return [names[item] for item in difflib.get_close_matches(_folded(name), list(names), n=3, cutoff=0.6)]


def _folded(name: str) -> str:
    return re.sub(r"[\s_\-/]+", "_", name.casefold())


def written(key: str) -> str:
    """Return a name as an expression has to write it: with backticks around parts that are no plain words."""
    parts = key.split(".")
    plain = all(_PLAIN_PART.fullmatch(part) and part.lower() not in _ALL_WORDS for part in parts)
    return key if plain else "`" + key.replace("`", "``") + "`"
