"""Why a channel or an action is not there, and what to do: somebody misspelled it, or its plugin is not in use."""

from __future__ import annotations

from typing import Literal

from podium.domain.expressions import near_names
from podium.errors import PluginError
from podium.plugins.host import PluginHost
from podium.plugins.shelf import called_for

# Podium's own distributions, each with a channel of its name. No other is ever proposed: what is called as somebody
# misspelled it may be a stranger's.
PUBLISHED = ("apprise", "email", "slack", "webhook")
Kind = Literal["channel", "action"]


def absent(host: PluginHost, kind: Kind, name: str) -> PluginError:
    """Return the error for a channel or action that this process does not have."""
    return PluginError(f"There is no {kind} {name!r} here.", hint=why_absent(host, kind, name), **{kind: name})


def why_absent(host: PluginHost, kind: Kind, name: str) -> str:
    """Return the hint for a channel or action that this process does not have."""
    name = str(name)  # whatever somebody gave for one
    known = sorted(host.channels() if kind == "channel" else host.actions())
    others = host.actions() if kind == "channel" else host.channels()
    tail = f"There is {', '.join(known) or 'none'}; 'podium plugins' lists what is installed."
    if (unused := _not_in_use(host, name)) is not None:
        return f"{unused} {tail}"
    if kind == "channel" and name in PUBLISHED:
        return f"Install podium-{name}. {tail}"
    if name in others:
        return f"It is {'an action: podium automation add' if kind == 'channel' else 'a channel: podium notify add'}."
    near = near_names(name, known) or (near_names(name, PUBLISHED) if kind == "channel" else [])
    if near:
        more = "" if near[0] in known else f" Install podium-{near[0]}."
        return f"Did you mean {near[0]!r}?{more} {tail}"
    return tail


def _not_in_use(host: PluginHost, name: str) -> str | None:
    """Say of the plugin that has such a name, or is called as its first part, why it is not in use."""
    called_so = called_for(name)
    for plugin in host.plugins():
        if plugin.name in called_so and plugin.state != "active":
            why = plugin.error or "it is still being loaded"
            return f"The plugin {plugin.name!r} is installed, but not in use: {why.rstrip('.')}."
    return None
