"""Tab completion by click's own mechanism: names from the registry, quickly or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class

from podium.cli.options import State, state_of

if TYPE_CHECKING:
    from podium.registry import Registry

_SECONDS = 2.0
_MOST = 200


def complete_ref(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete ``NAMESPACE/NAME``, and after a colon its versions and aliases."""
    if ":" not in incomplete:
        return complete_model(context, parameter, incomplete)
    collection = incomplete.partition(":")[0]

    def find(registry: Registry) -> list[str]:
        names = list(registry.collection(collection).aliases)
        names += [version.version for version in registry.versions(collection, _MOST)]
        return [f"{collection}:{name}" for name in names]

    return _items(_ask(context, find), incomplete)


def complete_model(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete ``NAMESPACE/NAME``."""
    return _items(_ask(context, lambda registry: [item.ref for item in registry.collections()]), incomplete)


def complete_place(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a namespace, or ``NAMESPACE/NAME``."""
    found = _ask(context, lambda registry: [item.ref for item in registry.collections()])
    spaces = list(dict.fromkeys(ref.partition("/")[0] for ref in found))
    return _items([*spaces, *found], incomplete)


def complete_space(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a project or registry."""
    found = _ask(context, lambda registry: [item.ref.partition("/")[0] for item in registry.collections()])
    return _items(list(dict.fromkeys(found)), incomplete)


def complete_registry(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a registry."""
    return _items(_ask(context, lambda registry: [item.name for item in registry.registries()]), incomplete)


def complete_target(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete what a policy or a freeze is for: a registry, or a registered model."""

    def find(registry: Registry) -> list[str]:
        models = [item.ref for item in registry.collections() if item.kind == "model"]
        return [*(item.name for item in registry.registries()), *models]

    return _items(_ask(context, find), incomplete)


def complete_request(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a request that waits: the version that is asked for, or once there are digits, its id."""

    def find(registry: Registry) -> list[str]:
        waiting = registry.list_requests()
        return [made.ref for made in waiting] + ([made.id for made in waiting] if incomplete else [])

    return _items(list(dict.fromkeys(_ask(context, find))), incomplete)


def complete_role(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a role: ``admin``, what somebody has, and what a policy of the registry asks for."""
    space = str(context.params.get("registry") or "")

    def find(registry: Registry) -> list[str]:
        policies = [registry.policy(space), *(registry.policy(item.ref) for item in registry.collections(space))]
        rules = [stage.approvals for policy in policies for stage in policy.stages if stage.approvals is not None]
        asked = [role for rule in rules for role in rule.roles]
        return ["admin", *sorted({*asked, *(grant.role for grant in registry.list_roles(space))} - {"admin"})]

    return _items(_ask(context, find) if space else ["admin"], incomplete)


def complete_person(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a person who has a role in the registry that the command line names."""
    space = str(context.params.get("registry") or "")

    def find(registry: Registry) -> list[str]:
        return list(dict.fromkeys(grant.person for grant in registry.list_roles(space)))

    return _items(_ask(context, find) if space else [], incomplete)


def complete_deleted(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete ``NAMESPACE/NAME``, and after a colon the versions that can be brought back."""
    if ":" not in incomplete:
        return complete_model(context, parameter, incomplete)
    collection = incomplete.partition(":")[0]

    def find(registry: Registry) -> list[str]:
        return [item.ref for item in registry.versions(collection, _MOST, deleted=True)]

    return _items(_ask(context, find), incomplete)


def complete_tag(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a tag that the collection of the command line, or one of its versions, has."""
    named = str(context.params.get("ref") or "").partition(":")[0]

    def find(registry: Registry) -> list[str]:
        tags = {tag for version in registry.versions(named, _MOST) for tag in version.tags}
        return sorted(tags | set(registry.collection(named).tags))

    return _items(_ask(context, find) if "/" in named else [], incomplete)


def complete_event(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a type of event, or all of one kind of thing: ``model_version.*``."""
    from podium.domain.events import TYPES

    kinds = dict.fromkeys(f"{name.partition('.')[0]}.*" for name in TYPES)
    return [CompletionItem(name, help=text) for name, text in TYPES.items() if name.startswith(incomplete)] + [
        CompletionItem(kind) for kind in kinds if kind.startswith(incomplete)
    ]


def complete_automation(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of an automation."""
    return _items(_ask(context, lambda registry: [item.name for item in registry.automations()]), incomplete)


def complete_action(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete an action of a plugin."""
    return _items(_ask(context, lambda registry: sorted(registry.host.actions())), incomplete)


def complete_stage(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a stage of the model that the command line names so far."""
    given = (context.params.get(name) for name in ("ref", "model", "request", "target"))
    named = str(next(filter(None, given), "")).partition(":")[0]
    found = _ask(context, lambda registry: list(registry.policy(named).names)) if "/" in named else []
    return _items(found or ["staging", "production"], incomplete)


def complete_subscription(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a subscription."""
    return _items(_ask(context, lambda registry: [item.name for item in registry.subscriptions()]), incomplete)


def complete_target_name(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a subscription or an automation."""
    return _items(_ask(context, lambda registry: list(registry.notifications().names)), incomplete)


def complete_channel(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a channel of a plugin that is installed here."""
    return _items(_ask(context, lambda registry: sorted(registry.host.channels())), incomplete)


def complete_carrier(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a channel or an action: what deliveries go by."""
    return _items(
        _ask(context, lambda registry: sorted({*registry.host.channels(), *registry.host.actions()})), incomplete
    )


def complete_setting(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete ``KEY=`` of the channel or action that the command line names so far."""
    channel, action = (str(context.params.get(kind) or "") for kind in ("channel", "action"))

    def find(registry: Registry) -> list[str]:
        host = registry.host
        target = host.channel(channel, _SECONDS) if channel else host.action(action, _SECONDS)
        if target is None:
            return []
        needed = [name for item in target.required for name in ((item,) if isinstance(item, str) else item)]
        return [f"{name}=" for name in dict.fromkeys((*needed, *target.optional))]

    return _items(_ask(context, find) if channel or action else [], incomplete)


def complete_delivery(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the id of a delivery, the newest first."""
    return _items(_ask(context, lambda registry: [item.id for item in registry.deliveries(limit=_MOST)]), incomplete)


def _ask(context: click.Context, find: Callable[[Registry], list[str]]) -> list[str]:
    """Return what the registry has; nothing if it is slow, absent or broken, because a prompt must not suffer."""
    state = state_of(context)
    if not _is_there(state):
        return []
    from podium.plugins.guard import call_within
    from podium.registry import open_registry

    def find_names() -> list[str]:
        with closing(open_registry(state.url, content=state.content)) as registry:
            return find(registry)

    outcome = call_within(find_names, _SECONDS)
    return outcome.value if isinstance(outcome.value, list) else []


def _is_there(state: State) -> bool:
    """Whether there may be a registry: pressing Tab must not make a database."""
    url = state.url or os.environ.get("PODIUM_URL") or ""
    home = os.path.expanduser(os.environ.get("PODIUM_HOME") or "~/.podium")
    path = url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else os.path.join(home, "podium.db")
    return os.path.isfile(path) if not url or url.startswith("sqlite:///") else True


def _items(found: list[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in found if name.startswith(incomplete) and name.isprintable()]


class PodiumBash(BashComplete):
    """Bash takes words apart at colons and pastes answers as they are; references have colons and spaces."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor and the one under it, with references in one piece."""
        position = int(os.environ["COMP_CWORD"])
        words: list[str] = []
        for word in os.environ["COMP_WORDS"].split("\n")[: position + 1]:
            if words and (word == ":" or words[-1].endswith(":")):
                words[-1] += word
            else:
                words.append(word)
        plain = [_unquoted(word) for word in words]
        return plain[1:-1], plain[-1]

    def format_completion(self, item: CompletionItem) -> str:
        """Return the part after the colon, quoted for the shell."""
        value = str(item.value)
        words = os.environ["COMP_WORDS"].split("\n")[: int(os.environ["COMP_CWORD"]) + 1]
        if ":" in words[-2:]:
            value = value.rpartition(":")[2]
        quoted = value if words[-1][:1] in ("'", '"') else re.sub(r"([ ()])", r"\\\1", value)
        return f"{item.type},{quoted}"


def _unquoted(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word.strip("'\""))


def use_own_bash() -> None:
    """Let click answer bash through `PodiumBash`."""
    add_completion_class(PodiumBash)


__all__: list[Any] = [
    "PodiumBash",
    "complete_action",
    "complete_automation",
    "complete_carrier",
    "complete_channel",
    "complete_deleted",
    "complete_delivery",
    "complete_event",
    "complete_model",
    "complete_person",
    "complete_place",
    "complete_ref",
    "complete_registry",
    "complete_request",
    "complete_role",
    "complete_setting",
    "complete_space",
    "complete_stage",
    "complete_subscription",
    "complete_tag",
    "complete_target",
    "complete_target_name",
    "use_own_bash",
]
