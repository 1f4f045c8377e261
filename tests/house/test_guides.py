"""The guides know what the code has."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from podium import errors
from podium.plugins import hookspecs

ROOT = Path(__file__).parents[2]
HOOKS = [(name, item) for name, item in vars(hookspecs).items() if name.startswith("podium_")]


@pytest.mark.parametrize(("name", "hook"), HOOKS, ids=[name for name, _ in HOOKS])
def test_each_hook_stands_in_the_guides(name: str, hook: object) -> None:
    """The README's table and the authors' guide name each hook with its arguments."""
    arguments = list(inspect.signature(hook).parameters)
    assert f"### `{name}({', '.join(arguments)})`" in (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    row = f"| `{name}` | {' '.join(f'`{argument}`' for argument in arguments)}"
    assert row.rstrip() in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in vars(errors) if name.endswith("Error") and name != "PodiumError"])
def test_each_error_stands_in_the_guides(name: str) -> None:
    """The page about operations says when each error comes."""
    assert f"`{name}`" in (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
