"""What describes an artifact: description, metadata, tags, time to live, aliases, and how edits of it are saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from podium.domain.names import LATEST, alias_names, check_alias, check_artifact, check_label, check_type
from podium.domain.plain import check_text, plain_dict
from podium.domain.versions import Version
from podium.errors import InvalidValueError
from podium.usecases.aliases import free_aliases
from podium.usecases.editing import KEEP, EditVersion, check_ttl
from podium.usecases.saving import SaveVersion

if TYPE_CHECKING:
    from podium.registry import Registry


class Described:
    """The part of an artifact that may be edited: at once in a draft, by `save` in a committed version."""

    def __init__(self, name: str, type: str, description: str | None, metadata: Mapping[str, Any] | None) -> None:
        self._name = check_artifact(name)
        self._type = check_type(type)
        self._description = check_text(description, "The description")
        self._metadata = plain_dict(metadata, "The metadata")
        self._tags: list[str] = []
        self._aliases: list[str] = []
        self._ttl: timedelta | None = None
        self._version: Version | None = None
        self._registry: Registry | None = None

    @property
    def type(self) -> str:
        """The type."""
        return self._type

    @property
    def description(self) -> str | None:
        """Free text."""
        return self._description

    @description.setter
    def description(self, text: str | None) -> None:
        self._description = check_text(text, "The description")

    @property
    def metadata(self) -> dict[str, Any]:
        """Anything that JSON can hold; it may be changed in place."""
        return self._metadata

    @metadata.setter
    def metadata(self, values: Mapping[str, Any]) -> None:
        self._metadata = plain_dict(values, "The metadata")

    @property
    def tags(self) -> list[str]:
        """Labels of the version; the list may be changed in place."""
        return self._tags

    @tags.setter
    def tags(self, names: str | Iterable[str] | None) -> None:
        self._tags = _labels(names)

    @property
    def ttl(self) -> timedelta | None:
        """How long the version lives, counted from when it was logged; None for ever. A link has none of its own."""
        return self._ttl

    @ttl.setter
    def ttl(self, ttl: timedelta | None) -> None:
        self._ttl = check_ttl(ttl)

    @property
    def aliases(self) -> list[str]:
        """The aliases that the committed version held when it was last logged, found or saved; may be changed in place.

        Raises:
            InvalidValueError: It is a draft: aliases are given when it is logged.
        """
        self._committed("aliases")
        return self._aliases

    @aliases.setter
    def aliases(self, names: str | Iterable[str] | None) -> None:
        self._committed("aliases")
        self._aliases = _checked_aliases(names)

    def save(self) -> None:
        """Write what was edited on the committed version, all of it or nothing; each change is history.

        Metadata is merged by its keys: what others set meanwhile under other keys stays. Nothing is written where
        nothing was edited.

        Raises:
            InvalidNameError, InvalidValueError: A value cannot be used, an alias is a stage, or it is a draft.
            NotFoundError: The version was deleted.
            DatabaseUnavailableError: Nothing was written; call it again.
        """
        version, registry = self._committed("saved state"), self._home()
        saved = registry.save_edits(self._edits(version))
        self._describe(replace(saved, created=version.created))

    def _edits(self, version: Version) -> SaveVersion:
        metadata = plain_dict(self._metadata, "The metadata")
        tags, aliases = _labels(self._tags), _checked_aliases(self._aliases)
        edit = EditVersion(
            version.ref,
            {key: value for key, value in metadata.items() if version.metadata.get(key, KEEP) != value},
            tuple(version.metadata.keys() - metadata.keys()),
            self._description if self._description != version.description else KEEP,
            self._ttl if self._ttl != _ttl_of(version) else KEEP,
        )
        return SaveVersion(
            edit,
            tuple(tag for tag in tags if tag not in version.tags),
            tuple(tag for tag in version.tags if tag not in tags),
            tuple(free_aliases(alias for alias in aliases if alias not in version.aliases)),
            tuple(free_aliases(alias for alias in version.aliases if alias not in aliases)),
        )

    def _give(self, aliases: tuple[str, ...], tags: tuple[str, ...], ttl: timedelta | None) -> None:
        """Move aliases to the committed version, add tags, set a time; edits that are not saved yet stay so."""
        version = self._committed("aliases")
        if aliases or tags or ttl is not None:
            edit = EditVersion(version.ref, ttl=ttl if ttl is not None else KEEP)
            command = SaveVersion(edit, tags, (), tuple(free_aliases(aliases)))
            known = replace(self._home().save_edits(command), created=version.created)
            self._tags += [tag for tag in known.tags if tag not in self._tags and tag not in version.tags]
            self._aliases += [alias for alias in known.aliases if alias not in self._aliases + list(version.aliases)]
            self._ttl = ttl if ttl is not None else self._ttl
            self._version = known

    def _describe(self, version: Version) -> None:
        """Take over what a committed version says of itself."""
        self._version = version
        self._description, self._metadata = version.description, plain_dict(version.metadata, "The metadata")
        self._tags, self._aliases, self._ttl = list(version.tags), list(version.aliases), _ttl_of(version)

    def _committed(self, what: str) -> Version:
        if self._version is None:
            raise InvalidValueError(
                f"The artifact {self._name!r} is a draft and has no {what} yet.", hint="Log it with run.log_artifact()."
            )
        return self._version

    def _home(self) -> Registry:
        assert self._registry is not None, "a committed version knows its registry"
        return self._registry


def _labels(names: str | Iterable[str] | None) -> list[str]:
    return [check_label(name, "tag") for name in dict.fromkeys(alias_names(names))]


def _checked_aliases(names: str | Iterable[str] | None) -> list[str]:
    return [name if name == LATEST else check_alias(name) for name in dict.fromkeys(alias_names(names))]


def _ttl_of(version: Version) -> timedelta | None:
    if version.kind == "model" or version.expires_at is None:
        return None  # time to live belongs to the source of a link
    return version.expires_at - version.created_at
