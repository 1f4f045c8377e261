"""The hooks of Podium. A plugin implements those it wants and takes those arguments that it wants.

Each hook says when it is called and in which process, what it gets, what it may return, and what an error does. No
argument is shared: a plugin may change what it gets, and nobody else sees it.

A plugin is imported at the first use of a registry, in a thread of its own. What is asked before it is there goes on
without it: only a gate is waited for, and a channel or an action by the attempt that needs it.
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

    When: after the commit of the change, once per event and in their order, in the process that made it, in a thread of
    its own. Nobody waits for it, but a process that ends waits a moment for its end. A process that dies between
    commit and call makes no call: what must not be lost goes to a channel.

    Args:
        event: The event, as the registry keeps it.

    Returns:
        Nothing; a value is ignored.

    Errors: raising, exiting, forking, or taking longer than 5 s is listed in ``podium plugins`` and changes nothing for
    the caller or for other plugins. One that has not come back is not called again before it does.
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

    Errors: raising, exiting, answering anything else, taking longer than 5 s, or being imported for so long refuses the
    promotion in the plugin's name.
    """


@_hook
def podium_origin() -> Origin | None:
    """Say where the current call comes from.

    When: at the start of every call that may write, in a thread with a copy of the caller's context: context variables
    can be read, what is kept per thread cannot.

    Returns:
        The origin, or None if this plugin does not know the execution. The first answer counts; Podium's own adapters
        are asked first.

    Errors: raising, forking, or taking longer than 1 s counts as None and is listed in ``podium plugins``. One that has
    not come back is not asked again before it does, so that it costs one change its second and not each.
    """


@_hook
def podium_channels() -> Sequence[Channel]:
    """Offer ways to tell people.

    When: once per process, when the first message is to be sent or the channels are listed.

    Returns:
        Channels, each with a name of its own. Its ``check`` may judge settings when a subscription is made.

    Errors: raising, exiting, taking longer than 5 s, or a name that another plugin took first, is listed in
    ``podium plugins``; the others work.
    """
    raise NotImplementedError  # a specification; pluggy never calls it


@_hook
def podium_actions() -> Sequence[Action]:
    """Offer things that an automation can do.

    When: once per process, when the first automation is to fire or the actions are listed.

    Returns:
        Actions, each with a name of its own. Its ``check`` may judge settings when an automation is made.

    Errors: raising, exiting, taking longer than 5 s, or a name that another plugin took first, is listed in
    ``podium plugins``; the others work.
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
