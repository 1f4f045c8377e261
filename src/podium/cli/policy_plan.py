"""What applying a policy changes: its text, where it would be in force, what becomes of aliases and stages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podium.cli.output import say
from podium.cli.policy_text import print_diff, stages_text
from podium.domain.plain import Value
from podium.domain.policy_targets import fits_name, parse_target
from podium.domain.policy_text import diff_text

if TYPE_CHECKING:
    from podium.domain.policies import Policy
    from podium.domain.policy_targets import PolicyRevision, PolicyTarget
    from podium.domain.versions import Collection
    from podium.registry import Registry


@dataclass(frozen=True, slots=True)
class Plan(Value):
    """What applying a policy would change.

    Attributes:
        target: What it is for.
        changed: Whether it differs from the policy of exactly this target.
        revision: The present revision of that, None if there is none.
        diff: What changes in the text.
        models: The models that it would be in force for.
        adopts: Aliases that would become stages although no gate was asked, with who holds them.
        releases: Stages that would be plain aliases, which anybody may set, with who holds them.
    """

    target: str
    changed: bool
    revision: int | None
    diff: str
    models: tuple[str, ...]
    adopts: tuple[str, ...]
    releases: tuple[str, ...]


def own_policy(registry: Registry, target: str) -> PolicyRevision | None:
    """Return the newest revision of the policy of exactly this target, None if it has none.

    Raises:
        InvalidNameError: The target is none.
        NotFoundError: There is no such model or registry.
    """
    history = registry.policy_history(target)
    return history[-1] if history and history[-1].policy is not None else None


def plan_policy(registry: Registry, target: str, policy: Policy) -> Plan:
    """Return what applying a policy would change; nothing is written.

    Raises:
        InvalidNameError: The target is none.
        NotFoundError: There is no such model or registry.
    """
    own = own_policy(registry, target)
    changed = own is None or own.policy != policy.to_json()
    models = list(_governed(registry, parse_target(target)))
    return Plan(
        target=target,
        changed=changed,
        revision=own.revision if own is not None else None,
        diff=diff_from(own, policy, target) if changed else "",
        models=tuple(model.ref for model in models),
        adopts=tuple(found for model in models for found in _adopted(registry, model, policy)) if changed else (),
        releases=tuple(found for model in models for found in _released(registry, model, policy)) if changed else (),
    )


def diff_from(own: PolicyRevision | None, policy: Policy, target: str) -> str:
    """Return the difference between the policy of a target and another one, empty if there is none."""
    from podium.domain.policies import Policy as Read

    old = Read.from_json(own.policy).to_yaml() if own is not None and own.policy is not None else ""
    name = f"{target}, revision {own.revision}" if own is not None else f"{target}, no policy yet"
    return diff_text(old, policy.to_yaml(), name, "the file")


def say_plan(plan: Plan, *, adopt: bool, release: bool) -> None:
    """Tell what a dry run found."""
    if not plan.changed:
        say(f"{plan.target} has this policy already (revision {plan.revision}); nothing would change")
        return
    print_diff(plan.diff)
    say(_in_force(plan, "It would be in force for"))
    say_held(plan, adopt=adopt, release=release)
    say("Nothing was changed")


def say_held(plan: Plan, *, adopt: bool = False, release: bool = False) -> None:
    """Say what applying the policy makes of aliases and stages that somebody holds, and what that needs."""
    for found in plan.adopts:
        said = "would become a stage without a gate" if adopt else "would become a stage: this needs --adopt"
        say(f"  - {found} {said}")
    for found in plan.releases:
        said = "stage -> plain alias, which anybody may set"
        say(f"  - {found}: {said}" + ("" if release else "; this needs --release"))


def say_applied(plan: Plan, policy: Policy, now: PolicyRevision | None) -> None:
    """Tell what was applied."""
    revision = now.revision if now is not None else None
    if not plan.changed:
        say(f"{plan.target} has this policy already (revision {revision}); nothing changed")
        return
    say(f"{plan.target} has a new policy, revision {revision}: {stages_text(policy)}")
    say(_in_force(plan, "It is in force for"))
    for found in plan.adopts:
        say(f"  - {found} became a stage without a gate")
    for found in plan.releases:
        say(f"  - {found}: stage -> plain alias, which anybody may set")


def _in_force(plan: Plan, words: str) -> str:
    some = ", ".join(plan.models[:5]) + (f" and {len(plan.models) - 5} more" if len(plan.models) > 5 else "")
    return f"{words} {some or 'no model yet'}"


def _governed(registry: Registry, target: PolicyTarget) -> Iterator[Collection]:
    """Yield the models for which a policy of a target would be in force."""
    if target.kind == "model":
        yield registry.collection(target.text)
        return
    for model in registry.collections(target.registry):
        if target.kind == "pattern" and not fits_name(target.name, model.ref.partition("/")[2]):
            continue
        now = registry.explain_policy(model.ref)
        if now.revision is None or parse_target(now.target).weight <= target.weight:
            yield model


def _adopted(registry: Registry, model: Collection, policy: Policy) -> Iterator[str]:
    stages = registry.policy(model.ref).names
    for alias, number in sorted(model.aliases.items()):
        if alias in policy.names and alias not in stages:
            yield f"{model.ref}:v{number} as {alias!r}"


def _released(registry: Registry, model: Collection, policy: Policy) -> Iterator[str]:
    stages = registry.policy(model.ref).names
    for alias, number in sorted(model.aliases.items()):
        if alias in stages and alias not in policy.names:
            yield f"{alias!r} of {model.ref}, held by v{number}"
