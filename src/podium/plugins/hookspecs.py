"""The hooks of Podium. A plugin implements those it wants and takes those arguments that it wants.

Each hook says when it is called and in which process, what it gets, what it may return, and what an error does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable

    from podium.domain.events import Event
    from podium.domain.gates import PromotionRequest
    from podium.domain.origin import Origin
    from podium.plugins.actions import Action
    from podium.plugins.channels import Channel

PROJECT = "podium"

F = TypeVar("F", bound="Callable[..., object]")

_hook = pluggy.HookspecMarker(PROJECT)
_impl = pluggy.HookimplMarker(PROJECT)


def hookimpl(function: F) -> F:
    """Mark a function of a plugin as the implementation of the hook of its name."""
    return _impl(function)


@_hook
def podium_on_event(event: Event) -> None:
    """Look at an event that happened.

    When: after the commit of the change, once per event, in the process that made it, in a thread of its own. A
    process that dies between commit and call makes no call: what must not be lost goes to a channel.

    Args:
        event: The event, as the registry keeps it.

    Returns:
        Nothing; a value is ignored.

    Errors: raising, exiting, or taking longer than the time limit is listed in ``podium plugins`` and changes nothing
    for the caller or for other plugins.
    """


@_hook
def podium_check_promotion(request: PromotionRequest) -> str | None:
    """Refuse a promotion, or let it pass.

    When: inside the transaction that moves the stage, after Podium's own gates, in the process that promotes, in a
    thread of its own. The model is locked meanwhile, so answer quickly, and do not call the registry from here.

    Args:
        request: The version that wants a stage, and who holds it now.

    A policy may ask for a gate plugin by its name (``plugins: [compliance]``): then a promotion in an environment that
    lacks it is refused. A dry run asks as well; a promotion that waits for approvals asks when it is requested and
    again when the last approval is there.

    Returns:
        A sentence that says why not, or None to let it pass.

    Errors: raising, exiting, answering anything else, or taking longer than the time limit refuses the promotion in
    the plugin's name.
    """


@_hook
def podium_origin() -> Origin | None:
    """Say where the current call comes from.

    When: at the start of every call that may write, in the caller's thread, so that its context can be read.

    Returns:
        The origin, or None if this plugin does not know the execution. The first answer counts.

    Errors: raising counts as None and is listed in ``podium plugins``.
    """


@_hook
def podium_channels() -> Sequence[Channel]:
    """Offer ways to tell people.

    When: once per process, when the first message is to be sent or the channels are listed.

    Returns:
        Channels, each with a name of its own.

    Errors: raising, or a name that another plugin took first, is listed in ``podium plugins``; the others work.
    """
    raise NotImplementedError  # a specification; pluggy never calls it


@_hook
def podium_actions() -> Sequence[Action]:
    """Offer things that an automation can do.

    When: once per process, when the first automation is to fire or the actions are listed.

    Returns:
        Actions, each with a name of its own.

    Errors: raising, or a name that another plugin took first, is listed in ``podium plugins``; the others work.
    """
    raise NotImplementedError  # a specification; pluggy never calls it


@_hook
def podium_resolve_secret(scheme: str, name: str) -> str | None:
    """Look a secret up for a setting such as ``vault:slack/token``.

    When: right before each attempt to deliver, in the process that delivers, in a thread of its own.

    Args:
        scheme: What stands before the colon: ``vault``.
        name: What stands behind it: ``slack/token``.

    Returns:
        The secret, or None if the scheme is not this plugin's. The first answer counts. ``env`` and ``file`` are
        Podium's own, ``airflow`` and ``prefect`` those of its adapters.

    Errors: raising fails the attempt, which is tried again; the error never shows the secret.
    """
