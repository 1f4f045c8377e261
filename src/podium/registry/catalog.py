"""The verbs that keep the catalogue in order: registries, descriptions, tags, names, and what is deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from podium.domain.names import alias_names
from podium.domain.versions import Collection, RegistryInfo, Version
from podium.registry.base import Joint
from podium.usecases import collections, deletion, editing, registries, tags
from podium.usecases.editing import KEEP, Keep, Text, Ttl
from podium.usecases.registries import Types


class CatalogVerbs(Joint):
    """What can be done with registries, artifacts and models as a whole, and with what describes a version."""

    def create_registry(
        self, name: str, *, types: Iterable[str] | None = None, description: str | None = None
    ) -> RegistryInfo:
        """Make a registry.

        Args:
            name: Unique among projects and registries.
            types: The artifact types that it accepts; None for every type.
            description: Free text.

        Raises:
            AlreadyExistsError: A project or registry has the name.
            InvalidNameError, InvalidValueError: A value cannot be used.
        """
        command = registries.CreateRegistry(name, registries.check_types(types), description)
        return self._change(partial(registries.create_registry, command=command))

    def edit_registry(
        self, name: str, *, types: Types | Keep = KEEP, description: Text = KEEP, reason: str | None = None
    ) -> RegistryInfo:
        """Change what a registry accepts or its description; what is not mentioned stays.

        Raises:
            InvalidNameError, InvalidValueError: A value cannot be used.
            NotFoundError: There is no such registry.
        """
        command = registries.EditRegistry(name, types, description, reason)
        return self._change(partial(registries.edit_registry, command=command))

    def registry(self, name: str) -> RegistryInfo:
        """Return a registry.

        Raises:
            NotFoundError: There is none of this name.
        """
        with self._read() as unit:
            return registries.show_registry(unit, name)

    def registries(self) -> list[RegistryInfo]:
        """Return all registries, sorted by name."""
        with self._read() as unit:
            return registries.list_registries(unit)

    def edit(
        self,
        ref: str,
        *,
        metadata: Mapping[str, Any] | None = None,
        remove_metadata: Iterable[str] = (),
        description: Text = KEEP,
        ttl: Ttl = KEEP,
        reason: str | None = None,
    ) -> Version:
        """Change what describes a version. Every edit is history; an edit of a model version stays on that link.

        Args:
            ref: The version.
            metadata: Keys to set; other keys stay.
            remove_metadata: Keys to take away.
            description: A new text, or None to take it away.
            ttl: How long it lives, counted from when it was logged; None for ever. Only of artifact versions.
            reason: Why.

        Raises:
            InvalidValueError: A value cannot be used.
            NotFoundError: The reference names nothing.
        """
        command = editing.EditVersion(ref, metadata or {}, alias_names(remove_metadata), description, ttl, reason)
        return self._change(partial(editing.edit_version, command=command))

    def edit_collection(
        self, ref: str, *, description: Text = KEEP, owner: Text = KEEP, task: Text = KEEP, reason: str | None = None
    ) -> Collection:
        """Change what describes an artifact or model; what is not mentioned stays, None takes away.

        Args:
            ref: ``NAMESPACE/NAME``.
            description: Of a model, its model card in Markdown.
            owner: Who answers for it.
            task: What it is for.
            reason: Why.

        Raises:
            InvalidValueError: A text cannot be stored.
            NotFoundError: There is no such artifact or model.
        """
        command = collections.EditCollection(ref, description, owner, task, reason)
        return self._change(partial(collections.edit_collection, command=command))

    def tag(self, ref: str, names: str | Iterable[str]) -> tuple[str, ...]:
        """Give tags to a version (``NAMESPACE/NAME:v3``), or to an artifact or model as a whole (no colon).

        Returns:
            All tags that it has now, sorted.

        Raises:
            InvalidNameError: A tag breaks the rules.
            InvalidValueError: No tag is given.
            NotFoundError: The reference names nothing.
        """
        return self._change(partial(tags.change_tags, command=tags.ChangeTags(ref, add=alias_names(names))))

    def untag(self, ref: str, names: str | Iterable[str]) -> tuple[str, ...]:
        """Take tags away; see `tag`. One that is not there is fine."""
        return self._change(partial(tags.change_tags, command=tags.ChangeTags(ref, remove=alias_names(names))))

    def rename(self, ref: str, name: str, *, reason: str | None = None) -> Collection:
        """Give an artifact or model another name; its versions, aliases and history stay.

        Whoever uses the old name is told the new one.

        Raises:
            AlreadyExistsError: The name is taken, or was given up by another.
            InvalidNameError: The name breaks the rules.
            InvalidValueError: By the policy for its new name, an alias that somebody holds would become a stage without
                a gate, or a stage a plain alias.
            NotFoundError: There is no such artifact or model.
            PermissionDeniedError: Another policy is for its new name, the registry has admins, and you are none.
        """
        return self._change(lambda unit: collections.rename_collection(unit, ref, name, reason))

    def unlink(self, ref: str, *, force: bool = False, reason: str | None = None) -> Version:
        """Take a version out of a registered model; linking it again brings it back under its number.

        Args:
            ref: The model version, with its number or an alias.
            force: Take its aliases and stages away too; whoever loses a stage so is demoted, on record.
            reason: Why; needed with ``force``.

        Raises:
            InvalidValueError: It holds an alias or stage, and ``force`` is not set.
            NotFoundError: The reference names nothing, or no registered model.
            PermissionDeniedError: ``force``, where the registry has admins and you are none of them.
        """
        command = deletion.DeleteVersion(ref, reason, force)
        return self._change(partial(deletion.unlink_version, command=command))

    def delete(self, ref: str, *, force: bool = False, reason: str | None = None) -> Version:
        """Delete a version of an artifact softly; it can be restored until `gc` gives its content up.

        Args:
            ref: The version, with its number or an alias.
            force: Take its links and aliases away too.
            reason: Why; needed with ``force``.

        Raises:
            InvalidValueError: It is linked or holds an alias, and ``force`` is not set.
            NotFoundError: The reference names nothing, or no artifact.
            PermissionDeniedError: ``force``, where a registry that links to it has admins and you are none of them.
        """
        command = deletion.DeleteVersion(ref, reason, force)
        return self._change(partial(deletion.delete_version, command=command))

    def delete_collection(self, ref: str, *, force: bool = False, reason: str | None = None) -> Collection:
        """Delete an artifact or model softly, with all its versions; see `delete` for the arguments and errors."""
        command = collections.DeleteCollection(ref, reason, force)
        return self._change(partial(collections.delete_collection, command=command))

    def restore(self, ref: str) -> Version:
        """Bring a deleted or unlinked version back under its number; the aliases it held stay where they are.

        Raises:
            InvalidValueError: The reference has no number, or the source of the model version is deleted.
            NotFoundError: There was none, or `gc` gave its content up.
        """
        return self._change(lambda unit: deletion.restore_version(unit, ref))

    def restore_collection(self, ref: str) -> Collection:
        """Bring a deleted artifact or model back, with the versions that went with it.

        Raises:
            NotFoundError: There is none of this name, deleted or not.
        """
        return self._change(lambda unit: collections.restore_collection(unit, ref))
