"""Saving all edits of one version in one transaction: what describes it, its tags, its aliases."""

from __future__ import annotations

from dataclasses import dataclass

from podium.domain.names import parse_reference
from podium.domain.versions import Version
from podium.usecases.aliases import RemoveAlias, SetAlias, remove_alias, set_alias
from podium.usecases.editing import EditVersion, edit_version
from podium.usecases.resolving import resolve_version
from podium.usecases.tags import ChangeTags, change_tags
from podium.usecases.unit import Unit


@dataclass(frozen=True, slots=True)
class SaveVersion:
    """Change several things about a version at once.

    Attributes:
        edit: Metadata, description, time to live; it names the version by its number.
        add_tags: Tags that it shall have.
        remove_tags: Tags that it shall not have.
        add_aliases: Aliases that it shall hold, wherever they are now.
        remove_aliases: Aliases that it shall not hold; one that has moved on meanwhile is left alone.
    """

    edit: EditVersion
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    add_aliases: tuple[str, ...] = ()
    remove_aliases: tuple[str, ...] = ()


def save_version(unit: Unit, command: SaveVersion) -> Version:
    """Make the changes; what stands as wanted already leaves no event.

    Raises:
        InvalidNameError: A tag or alias breaks the rules.
        InvalidValueError: A value cannot be used, or an alias is a stage.
        NotFoundError: The reference names nothing.
    """
    version = edit_version(unit, command.edit)
    if command.add_tags or command.remove_tags:
        change_tags(unit, ChangeTags(version.ref, command.add_tags, command.remove_tags))
    for alias in command.add_aliases:
        set_alias(unit, SetAlias(version.ref, alias))
    collection = parse_reference(version.ref).collection
    for alias in command.remove_aliases:
        if alias in version.aliases:
            remove_alias(unit, RemoveAlias(collection, alias))
    return resolve_version(unit, version.ref)
