"""The command ``podium policy``: check, apply, show, compare, and explain what stages require."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from podium.cli.audit import utc_text
from podium.cli.completion import complete_model, complete_target
from podium.cli.errors import REFUSED, USAGE, show_error
from podium.cli.given import exit_code_option, reason_option
from podium.cli.options import State, Topic, pass_state
from podium.cli.output import Column, count, print_table, say, shell_word, styled
from podium.cli.policy_plan import own_policy, plan_policy, say_applied, say_held, say_plan
from podium.cli.policy_text import print_diff, print_policy, print_yaml, read_policy, stages_text
from podium.errors import InvalidValueError, PodiumError

if TYPE_CHECKING:
    from podium.domain.policies import Policy
    from podium.domain.policy_targets import PolicyRevision
    from podium.registry import Registry

_ADOPT = "Let aliases that have the name of a stage become that stage; on record."
_RELEASE = "Let stages that somebody holds and the policy does not name become plain aliases; on record."
_TARGET = click.argument("target", metavar="REGISTRY[/MODEL|/PATTERN]", shell_complete=complete_target)


@click.group("policy", cls=Topic)
def policy_command() -> None:
    """Say which stages there are and what a version must show for each.

    A policy is a file of YAML, for one model, for a pattern of names such as 'model-registry/churn-*', or for a whole
    registry; the most specific one is in force. docs/promotion.md tells what may stand in it.
    """


@policy_command.command("check", examples=[("podium policy check policies/*.yaml", "in CI: 2 where one is wrong")])
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@pass_state
def check_policies(state: State, files: tuple[str, ...]) -> int:
    """Read files of policies and say what is wrong in them, with line and column.

    No registry is needed. Exit code 2 says that a file is no policy.
    """
    answers = []
    for file in files:
        try:
            policy = read_policy(file)
        except PodiumError as error:
            answers.append({"file": file, "ok": False, "error": error.to_json()})
            if not state.json:
                show_error(error, as_json=False)
        else:
            answers.append({"file": file, "ok": True, "policy": policy.to_json()})
            if not state.json:
                say(f"{file}: ok, {count(len(policy.stages), 'stage')}: {stages_text(policy)}")
    if state.json:
        state.print_json(answers)
    return 0 if all(answer["ok"] for answer in answers) else USAGE


@policy_command.command(
    "apply",
    examples=[
        ("podium policy apply digits.yaml --to 'model-registry/Digits classifier' --dry-run", "what would change"),
        ("podium policy apply churn.yaml --to 'model-registry/churn-*' --reason 'As agreed'", "for a pattern"),
        ("podium policy apply default.yaml --to model-registry", "for all models without one of their own"),
    ],
)
@click.argument("file", metavar="FILE", type=click.Path())
@click.option(
    "--to",
    "target",
    required=True,
    metavar="REGISTRY[/MODEL|/PATTERN]",
    shell_complete=complete_target,
    help="For what.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--adopt", is_flag=True, help=_ADOPT)
@click.option("--release", is_flag=True, help=_RELEASE)
@reason_option()
@pass_state
def apply_policy(
    state: State, file: str, target: str, dry_run: bool, adopt: bool, release: bool, reason: str | None
) -> None:
    """Put a policy from a file into force; '-' is standard input."""
    policy = read_policy(file)
    with state.registry() as registry:
        plan = plan_policy(registry, target, policy)
        if not dry_run:
            registry.set_policy(target, policy, reason=reason, adopt=adopt, release=release)
        now = own_policy(registry, target)
    if state.json:
        revision = now.revision if now is not None else None
        state.print_json({**plan.to_json(), "policy": policy.to_json(), "dry_run": dry_run, "revision": revision})
    elif dry_run:
        say_plan(plan, adopt=adopt, release=release)
    else:
        say_applied(plan, policy, now)


@policy_command.command("remove")
@_TARGET
@click.option("--adopt", is_flag=True, help=_ADOPT)
@click.option("--release", is_flag=True, help=_RELEASE)
@reason_option()
@pass_state
def remove_policy(state: State, target: str, adopt: bool, release: bool, reason: str | None) -> None:
    """Take the policy of a target away, so that the next one that fits is in force; its history stays."""
    with state.registry() as registry:
        registry.remove_policy(target, reason=reason, adopt=adopt, release=release)
    if state.json:
        state.print_json({"target": target, "removed": True})
    else:
        say(f"{target} has no policy of its own any more; 'podium policy history' shows what it was")


@policy_command.command(
    "show",
    examples=[
        ("podium policy show 'model-registry/Digits classifier'", "what is in force there"),
        ("podium policy show model-registry --yaml > policy.yaml", "to edit it"),
    ],
)
@_TARGET
@click.option("--yaml", "as_yaml", is_flag=True, help="As a file that 'podium policy apply' takes.")
@click.option("--revision", type=int, metavar="N", help="As it was in this revision.")
@pass_state
def show_policy(state: State, target: str, as_yaml: bool, revision: int | None) -> None:
    """Show the policy in force for a model, or that of a pattern or registry."""
    if as_yaml and state.json:
        raise click.UsageError("Give --yaml or --json, not both.", click.get_current_context())
    with state.registry() as registry:
        policy = registry.policy(target) if revision is None else _revision(registry, target, revision)
        if state.json:
            state.print_json(policy.to_json())
        elif as_yaml:
            print_yaml(policy)
        else:
            print_policy(policy)
            _say_source(registry, target, revision)


@policy_command.command(
    "diff",
    examples=[
        ("podium policy diff model-registry", "what the newest revision changed"),
        ("podium policy diff model-registry policy.yaml", "what applying the file would change"),
    ],
)
@_TARGET
@click.argument("file", required=False, metavar="[FILE]", type=click.Path())
@click.option("--old", type=int, metavar="N", help="The older revision; the one before the newer if left out.")
@click.option("--new", type=int, metavar="N", help="The newer revision; the newest if left out.")
@exit_code_option
@pass_state
def diff_policies(
    state: State, target: str, file: str | None, old: int | None, new: int | None, exit_code: bool
) -> int:
    """Show what changed between two revisions, or what a file would change."""
    if file is not None and (old is not None or new is not None):
        raise click.UsageError("Give a FILE, or --old and --new, not both.", click.get_current_context())
    policy = read_policy(file) if file is not None else None
    with state.registry() as registry:
        plan = plan_policy(registry, target, policy) if policy is not None else None
        text = plan.diff if plan is not None else registry.diff_policies(target, old, new)
    if state.json:
        held = {"adopts": plan.adopts, "releases": plan.releases} if plan is not None else {}
        state.print_json({"target": target, "changed": bool(text), "diff": text, **held})
    elif text:
        print_diff(text)
        if plan is not None:
            say_held(plan)
    else:
        say("No difference")
    return REFUSED if text and exit_code else 0


@policy_command.command("history")
@_TARGET
@pass_state
def show_history(state: State, target: str) -> None:
    """List every revision of the policy of exactly this target, the oldest first."""
    with state.registry() as registry:
        found = registry.policy_history(target)
    if state.json:
        state.print_json(found)
    elif found:
        _print_revisions(found)
    else:
        say(f"{target} never had a policy of its own; 'podium policy explain' says which is in force for a model")


@policy_command.command("explain")
@click.argument("model", metavar="REGISTRY/MODEL", shell_complete=complete_model)
@pass_state
def explain_policy(state: State, model: str) -> None:
    """Say which policy is in force for a model, and why not another one."""
    with state.registry() as registry:
        found = registry.explain_policy(model)
    if state.json:
        state.print_json(found)
        return
    columns = [
        Column("Policy of", fold=True),
        Column("Revision", right=True),
        Column("In force"),
        Column("Why", fold=True),
    ]
    rows = [
        (
            styled(item.target, "bold" if item.in_force else ""),
            str(item.revision) if item.revision is not None else "-",
            styled("yes" if item.in_force else "no", "bold green" if item.in_force else "dim"),
            item.why,
        )
        for item in found.candidates
    ]
    print_table(columns, rows)
    say(f"What it asks for: podium policy show {shell_word(model)}")


@policy_command.command("schema", examples=[("podium policy schema > policy.schema.json", "for an editor")])
@pass_state
def show_schema(state: State) -> None:
    """Print the JSON Schema of policies.

    Editors complete and check by it: put '# yaml-language-server: $schema=policy.schema.json' into the first line of a
    policy.
    """
    from podium.domain.policy_schema import SCHEMA, schema_text

    if state.json:
        state.print_json(SCHEMA)
    else:
        click.echo(schema_text(), nl=False)


def _revision(registry: Registry, target: str, revision: int) -> Policy:
    """Return the policy of a target as it was in a revision."""
    from podium.domain.policies import Policy

    history = registry.policy_history(target)
    found = next((item for item in history if item.revision == revision), None)
    if found is None or found.policy is None:
        what = f"was taken away in revision {revision}" if found is not None else f"has no revision {revision}"
        known = ", ".join(str(item.revision) for item in history if item.policy is not None)
        hint = f"There is {known}." if known else "'podium policy explain' says which policy is in force."
        raise InvalidValueError(f"The policy of {target} {what}.", hint=hint, target=target)
    return Policy.from_json(found.policy)


def _say_source(registry: Registry, target: str, revision: int | None) -> None:
    """Say whose policy it is that was shown, and who set it."""
    from podium.domain.policy_targets import parse_target

    if revision is None and parse_target(target).kind == "model":
        found = registry.explain_policy(target)
        target, revision = found.target, found.revision
    history = [] if target == "built-in" else registry.policy_history(target)
    shown = next((item for item in reversed(history) if revision in (None, item.revision)), None)
    if shown is None or shown.policy is None:
        say("This is Podium's own policy; put another into force: podium policy apply FILE --to TARGET")
        return
    why = f": {shown.reason}" if shown.reason else ""
    say(f"Policy of {shown.target}, revision {shown.revision}, {utc_text(shown.at)} UTC by {shown.actor}{why}")


def _print_revisions(found: list[PolicyRevision]) -> None:
    from podium.domain.policies import Policy

    columns = [
        Column("Revision", right=True),
        Column("When (UTC)"),
        Column("By", fold=True),
        Column("Stages", fold=True),
        Column("Why", fold=True),
    ]
    rows = [
        (
            styled(str(item.revision), "bold"),
            utc_text(item.at),
            item.actor,
            stages_text(Policy.from_json(item.policy)) if item.policy is not None else styled("taken away", "dim"),
            item.reason or "",
        )
        for item in found
    ]
    print_table(columns, rows)
