"""What a plugin is made of: hooks to implement, and the base classes of channels and actions.

A plugin is a module with functions marked by `hookimpl`, named in the entry-point group ``podium``. It takes only the
arguments that it wants::

    from podium.plugins import Event, hookimpl

    @hookimpl
    def podium_on_event(event: Event) -> None:
        print(event.type, event.subject)
"""

from __future__ import annotations

from podium.domain.events import Event
from podium.domain.gates import PromotionRequest
from podium.domain.origin import Origin
from podium.errors import InvalidValueError
from podium.plugins.actions import Action, ActionCall, ActionRegistry
from podium.plugins.channels import Channel, DeliveryFailedError, Earlier, Message, MetricChange
from podium.plugins.hookspecs import hookimpl
from podium.plugins.host import Fault, PluginHost, PluginInfo

__all__ = [
    "Action",
    "ActionCall",
    "ActionRegistry",
    "Channel",
    "DeliveryFailedError",
    "Earlier",
    "Event",
    "Fault",
    "InvalidValueError",
    "Message",
    "MetricChange",
    "Origin",
    "PluginHost",
    "PluginInfo",
    "PromotionRequest",
    "hookimpl",
]
