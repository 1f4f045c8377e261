"""What is said after a stage moved, or did not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from podium.cli.gates import print_gates
from podium.cli.output import say, shell_word
from podium.errors import PodiumError, PromotionRefusedError

if TYPE_CHECKING:
    from podium.domain.transitions import Transition
    from podium.registry import Registry


@contextmanager
def refusal_in_full(registry: Registry) -> Iterator[None]:
    """Let a refusal carry every gate, those that passed as well, for the line or the JSON that tells it."""
    try:
        yield
    except PromotionRefusedError as error:
        if error.facts.get("status", "refused") != "refused":
            raise  # people decided, no gate
        try:
            made = registry.transition(error.facts["transition"])
        except (KeyError, PodiumError):
            raise error from None
        error.facts["gates"] = [gate.to_json() for gate in made.gates]
        raise


def say_moved(made: Transition) -> None:
    """Say who holds a stage now, what was overruled for it, and how to take it back."""
    if not made.changed:
        say(f"{made.ref} is {made.stage} already; nothing changed")
        return
    if made.kind == "demoted":
        say(f"Nobody holds {made.stage} of {made.collection} now; v{made.number} was before")
        say(f"To take it back: podium rollback {shell_word(made.collection)}{_stage(made)}")
        return
    before = f", v{made.before} was before" if made.before is not None else ""
    say(f"{made.ref} is {made.stage} now{before}")
    if made.forced:
        say("These gates were overruled:")
        for reason in (*made.reasons, *made.waiting_for):
            say(f"  - {reason}")
    elif made.gates:
        print_gates(made.gates, facts=False, indent=2)
    if made.kind == "promoted" and made.before is not None:
        say(f"To take it back: podium rollback {shell_word(made.collection)}{_stage(made)}")


def say_planned(made: Transition, *, holds: bool) -> None:
    """Say what a promotion would do now, with every gate and its facts."""
    if holds:
        say(f"{made.ref} is {made.stage} already; nothing would change")
        return
    would = {
        "committed": "would become {stage}",
        "pending": "would wait for approvals to become {stage}",
        "refused": "would be refused for {stage}",
    }[made.status].format(stage=made.stage)
    before = f" (now: v{made.before})" if made.before is not None else ""
    forced = ", by force" if made.forced else ""
    say(f"{made.ref} {would}{forced}{before}")
    if made.gates:
        print_gates(made.gates, facts=True, indent=2)
    else:
        say("  The policy asks for nothing")
    policy = made.policy or {}
    revision = f", revision {policy['revision']}" if policy.get("revision") is not None else ""
    say(f"Policy: {policy.get('target')}{revision}. Nothing was changed or recorded.")


def _stage(made: Transition) -> str:
    return "" if made.stage == "production" else f" --stage {shell_word(made.stage)}"
