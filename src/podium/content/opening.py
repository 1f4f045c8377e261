"""From a content location to the store that keeps it."""

from __future__ import annotations

from pathlib import Path

from podium.content.local import LocalStore
from podium.content.store import ContentStore
from podium.settings import content_location


def open_store(location: str) -> ContentStore:
    """Return the store at a location; nothing is touched before its first use.

    Args:
        location: A folder, or ``s3://``, ``gs://`` or ``az://`` with a bucket and a prefix. Credentials come from the
            environment variables of the provider.

    Raises:
        SettingsError: The location is of no known kind or carries credentials, or the environment is incomplete.
    """
    place = content_location(location)
    if "://" not in place:
        return LocalStore(place)
    from podium.content.remote import ObjectStore  # only who uses it pays for loading the library

    return ObjectStore(place)


def same_place(one: str, other: str) -> bool:
    """Whether two locations are the same, links among folders followed."""
    one, other = content_location(one), content_location(other)
    if "://" in one or "://" in other:
        return one == other
    return Path(one).resolve() == Path(other).resolve()
