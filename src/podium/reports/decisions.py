"""What became of a promotion, in words for people who do not read expressions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from podium.domain.expressions import tree
from podium.domain.gates import GateResult
from podium.domain.metric_gates import parse_rule
from podium.domain.transitions import Transition
from podium.errors import PodiumError
from podium.reports.text import all_of, number

DecisionTone = Literal["pass", "fail", "warn", "wait"]
_TOO = {">=": ("too low", "at least"), ">": ("too low", "more than")}
_TOO |= {"<=": ("too high", "at most"), "<": ("too high", "less than")}
_WORDS = {"refused": "Refused", "pending": "Waiting", "rejected": "Rejected", "cancelled": "Cancelled"}
_MOVED = {"promoted": "Promoted", "rolled_back": "Rolled back", "demoted": "Demoted"}


@dataclass(frozen=True, slots=True)
class Decision:
    """How an attempt to move a stage ended.

    Attributes:
        word: In one or two words.
        tone: ``pass``, ``fail``, ``warn`` (it was forced, or only planned) or ``wait``.
        sentence: Who, where, and why, in one or two sentences.
        reasons: A sentence for each gate that says no, where there are several.
    """

    word: str
    tone: DecisionTone
    sentence: str
    reasons: tuple[str, ...] = ()


def decide(made: Transition) -> Decision:
    """Return what became of an attempt to move a stage."""
    name = f"{made.collection.partition('/')[2]} v{made.number}"
    failed = [gate for gate in made.gates if gate.verdict == "failed"]
    if made.status == "committed":
        return _committed(made, name)
    if made.status == "pending":
        said = f"{name} would wait" if made.dry_run else f"{name} is not in {made.stage} yet"
        ending = f" before it is in {made.stage}." if made.dry_run else "."
        return Decision(_word(made), "wait", f"{said}{ending} {' '.join(made.waiting_for)}")
    if made.status != "refused":
        tail = made.outcome or made.reason or ""
        return Decision(_word(made), "fail", f"{name} was not given {made.stage}. {tail}".strip())
    verb = "would be refused" if made.dry_run else "was refused"
    if len(failed) == 1:
        return Decision(_word(made), "fail", f"{name} {verb} for {made.stage}: {plain_reason(failed[0], made.stage)}")
    reasons = _listed(failed, made.stage)
    count = f"{len(failed)} of {len(made.gates)} gates say no"
    return Decision(_word(made), "fail", f"{name} {verb} for {made.stage}: {count}.", reasons)


def plain_reason(gate: GateResult, stage: str) -> str:
    """Return why a gate says no, without its expression where that is a simple one.

    ``its accuracy of 0.96 is too low. At least 0.965 is needed to replace v0, which has 0.97.``

    Args:
        gate: The gate.
        stage: The stage that the version wants.
    """
    node, own = _comparison(gate)
    if node is None or node.comparator not in _TOO:
        return gate.reason
    values, asked = gate.facts["values"], gate.facts["threshold"]
    too, at_least = _TOO[node.comparator]
    said = f"its {own} of {number(values[own])} is {too}. {at_least.capitalize()} {number(asked)} is needed"
    return f"{said}{_beside(gate, node, own, stage)}."


def _comparison(gate: GateResult) -> tuple[tree.Comparison | None, str]:
    """Return a rule, and the metric of the version that it holds against a number that was worked out, if it does."""
    none = None, ""
    if gate.kind != "metric" or not _is_number(gate.facts.get("threshold")):
        return none
    try:
        node = parse_rule(gate.facts["expression"], gate.facts.get("holders", {})).condition
    except PodiumError:  # an expression of another Podium; its sentence says it all the same
        return none
    if not isinstance(node, tree.Comparison) or not isinstance(node.left, tree.Use):
        return none
    found, own = node.left.found, node.left.found.key or ""
    return (node, own) if found.field.name == "metric" and _is_number(gate.facts["values"].get(own)) else none


def _beside(gate: GateResult, node: tree.Comparison, own: str, stage: str) -> str:
    """Say who holds the stage that the version is measured by, and with what."""
    holders = gate.facts.get("holders", {})
    others = [found for found in tree.fields_of(node.right) if holders.get(found.field.name)]
    if len(others) != 1:
        return ""
    (other,) = others
    name, value = other.field.name, gate.facts["values"].get(other.path)
    if not _is_number(value):
        return ""
    has = number(value) if other.key == own else f"{number(value)} ({other.key})"
    holder = f"v{holders[name]['number']}"
    return f" to replace {holder}, which has {has}" if name == stage else f"; {holder} in {name} has {has}"


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _committed(made: Transition, name: str) -> Decision:
    stage, before = made.stage, f"v{made.before}"
    if made.kind == "rolled_back":
        away = f" from {before}" if made.before is not None else ""
        return Decision(_word(made), "pass", f"{stage} went back{away} to {name}.")
    if made.kind == "demoted":
        return Decision(_word(made), "pass", f"{name} no longer holds {stage}; nobody does now.")
    if made.before == made.number:
        return Decision("Nothing to do", "pass", f"{name} holds {stage} already.")
    says = f"{name} {'would hold' if made.dry_run else 'holds'} {stage}{'' if made.dry_run else ' now'}"
    says += f" in place of {before}." if made.before is not None else "."
    if made.forced:
        open_gates = sum(gate.verdict != "passed" for gate in made.gates)
        who = f"{made.actor} overruled {open_gates} of {len(made.gates)} gates: {made.reason}"
        return Decision(f"{_word(made)} by force", "warn", f"{says} {who}", _listed(_open(made), stage))
    count = len(made.gates)
    passed = f" It passed {all_of(count, 'gate')}." if count else " No gate was asked for."
    return Decision(_word(made), "pass", says + passed)


def _listed(gates: list[GateResult], stage: str) -> tuple[str, ...]:
    """Return reasons that stand for themselves: each begins like a sentence."""
    reasons = (plain_reason(gate, stage) for gate in gates)
    return tuple(f"I{reason[1:]}" if reason.startswith("its ") else reason for reason in reasons)


def _open(made: Transition) -> list[GateResult]:
    return [gate for gate in made.gates if gate.verdict != "passed"]


def _word(made: Transition) -> str:
    word = _MOVED[made.kind] if made.status == "committed" else _WORDS[made.status]
    return f"Only planned: {word.lower()}" if made.dry_run else word
