"""Secrets that live in a Prefect block: ``prefect:secret/NAME``, or ``prefect:TYPE/NAME/FIELD`` for any other block."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from podium.errors import SettingsError


def resolve(name: str) -> str:
    """Return what a block holds.

    Args:
        name: ``TYPE/NAME``, the slugs that ``prefect block ls`` shows, and a field behind another slash; the value of
            a ``secret`` block without.

    Raises:
        SettingsError: This process has no Prefect, or there is no such block or field.
    """
    if find_spec("prefect") is None:
        raise SettingsError(
            "This process has no Prefect, whose blocks it could read.",
            hint="Deliver where Prefect is installed, or use env: or file:.",
        )
    parts = name.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise SettingsError(f"{name!r} names no block.", hint="Write prefect:secret/NAME or prefect:TYPE/NAME/FIELD.")
    found = _plain(getattr(_block("/".join(parts[:2])), parts[2] if len(parts) == 3 else "value", None))
    if not found:
        raise SettingsError(
            f"The block {'/'.join(parts[:2])} has no {parts[2] if len(parts) == 3 else 'value'}.",
            hint="Name a field of it: prefect:TYPE/NAME/FIELD",
        )
    return found


def _block(name: str) -> Any:
    from prefect.blocks.core import Block

    # Asked for in plain words: in a thread that has a loop, load() returns a coroutine.
    return Block.load(name, _sync=True)  # type: ignore[call-arg]  # Prefect's decorator takes it


def _plain(value: Any) -> str:
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
