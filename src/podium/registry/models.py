"""The verbs about registered models: link, alias, look."""

from __future__ import annotations

from collections.abc import Iterable

from podium.domain.events import Event
from podium.domain.names import alias_names
from podium.domain.versions import AliasMove, Collection, Version
from podium.registry.base import Joint
from podium.usecases import aliases, links, places, records
from podium.usecases.aliases import UNSET, Expected


class ModelVerbs(Joint):
    """What can be done with registered models and their aliases."""

    def link(self, ref: str, model: str, aliases: str | Iterable[str] = ()) -> Version:
        """Link a version into a registered model; no byte is copied, and linking again changes nothing.

        Args:
            ref: The version, ``PROJECT/ARTIFACT[:vN|:alias]``.
            model: ``REGISTRY/MODEL``; made by its first link.
            aliases: Aliases that it shall hold there.

        Returns:
            The model version, with a number of its own; ``created`` says whether this call linked it.

        Raises:
            InvalidNameError: A name breaks the rules.
            InvalidValueError: The model holds another type, or an alias is a stage.
            NotFoundError: The reference names nothing, or there is no such registry.
        """
        return self._change(lambda unit: links.link_version(unit, links.LinkVersion(ref, model, alias_names(aliases))))

    def set_alias(self, ref: str, alias: str, *, expected: Expected = UNSET, reason: str | None = None) -> AliasMove:
        """Move an alias to a version.

        Args:
            ref: The version.
            alias: The alias.
            expected: Compare-and-set: the version that must hold it now (``"v3"``, 3, or None for nobody). Left out,
                the alias moves from wherever it is, and the answer says from where.
            reason: Why.

        Raises:
            ConflictError: Another version holds it; ``holder`` says which.
            InvalidNameError: It looks like a version number, or is ``latest``.
            InvalidValueError: It is a stage.
            NotFoundError: The reference names nothing.
        """
        return self._change(lambda unit: aliases.set_alias(unit, aliases.SetAlias(ref, alias, expected, reason)))

    def remove_alias(
        self, collection: str, alias: str, *, expected: Expected = UNSET, reason: str | None = None
    ) -> AliasMove:
        """Take an alias away; see `set_alias` for ``expected`` and the errors.

        Raises:
            NotFoundError: Nothing holds it.
        """
        return self._change(
            lambda unit: aliases.remove_alias(unit, aliases.RemoveAlias(collection, alias, expected, reason))
        )

    def model(self, ref: str) -> Collection:
        """Return a registered model with its aliases and stages.

        Raises:
            NotFoundError: There is none.
        """
        with self._read() as unit:
            return places.show_collection(unit, ref, "model")

    def models(self, registry: str | None = None) -> list[Collection]:
        """Return the registered models of a registry, or all.

        Raises:
            NotFoundError: There is no such registry.
        """
        with self._read() as unit:
            return places.list_collections(unit, registry, "model")

    def collection(self, ref: str) -> Collection:
        """Return an artifact or a registered model.

        Raises:
            NotFoundError: There is none.
        """
        with self._read() as unit:
            return places.show_collection(unit, ref)

    def history(self, model: str, alias: str | None = None) -> list[AliasMove]:
        """Return every move of the aliases and stages of a model, oldest first.

        Args:
            model: ``REGISTRY/MODEL``, or an artifact.
            alias: Only this one.

        Raises:
            NotFoundError: There is no such model.
        """
        with self._read() as unit:
            return aliases.list_moves(unit, model, alias)

    def events(self, collection: str) -> list[Event]:
        """Return the events of an artifact or model, oldest first.

        Raises:
            NotFoundError: There is none.
        """
        with self._read() as unit:
            return records.list_events(unit, collection)
