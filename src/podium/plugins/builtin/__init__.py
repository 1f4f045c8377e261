"""Podium's own actions, a plugin like any other: moves of the registry itself, its tests, and a web address to call."""

from __future__ import annotations

from collections.abc import Sequence

from podium.plugins.actions import Action
from podium.plugins.hookspecs import hookimpl


@hookimpl
def podium_actions() -> Sequence[Action]:
    """Offer what an automation can do without any other plugin; see `podium.plugins.hookspecs`."""
    from podium.plugins.builtin.moves import PromoteAction, SetAliasAction
    from podium.plugins.builtin.testing import TestAction
    from podium.plugins.builtin.webhook import WebhookAction

    return [PromoteAction(), SetAliasAction(), TestAction(), WebhookAction()]
