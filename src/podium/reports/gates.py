"""Gates as rows of words: the verdict, the sentence, and the facts that it was decided on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from podium.domain.durations import in_words
from podium.domain.gates import GateResult
from podium.reports.text import digest_text, number, plain_text

Fact = tuple[str, str]
VERDICTS = {"passed": "passed", "failed": "failed", "pending": "waiting"}
TONES = {"passed": "pass", "failed": "fail", "pending": "wait"}
KINDS = {
    "from": "Stage before",
    "check": "Check",
    "metric": "Metric rule",
    "approvals": "Approvals",
    "freeze": "Freeze",
    "plugin": "Plugin",
}


@dataclass(frozen=True, slots=True)
class GateRow:
    """One gate.

    Attributes:
        verdict: ``passed``, ``failed`` or ``waiting``.
        tone: ``pass``, ``fail`` or ``wait``.
        kind: What sort of gate it is, in words.
        name: Which one.
        reason: The sentence.
        facts: Names and values.
    """

    verdict: str
    tone: str
    kind: str
    name: str
    reason: str
    facts: tuple[Fact, ...]


def gate_rows(gates: Sequence[GateResult]) -> tuple[GateRow, ...]:
    """Return the gates, those that say no first, then those that wait."""
    order = list(TONES)[1:]  # failed, pending
    ranked = sorted(gates, key=lambda gate: order.index(gate.verdict) if gate.verdict in order else len(order))
    return tuple(
        GateRow(
            VERDICTS.get(gate.verdict, gate.verdict),
            TONES.get(gate.verdict, "plain"),
            KINDS.get(gate.kind, gate.kind),
            gate.name,
            gate.reason,
            gate_facts(gate),
        )
        for gate in ranked
    )


def gate_facts(gate: GateResult) -> tuple[Fact, ...]:
    """Return what a gate was decided on: values, thresholds, ages, holders, as names and words."""
    makers: dict[str, Callable[[Mapping[str, Any]], Iterator[Fact]]] = {
        "metric": _of_metric,
        "check": _of_check,
        "approvals": _of_approvals,
        "from": _of_stage,
    }
    try:
        found = list(makers.get(gate.kind, _of_any)(gate.facts))
    except (AttributeError, KeyError, TypeError, ValueError):  # what another Podium, or a plugin, wrote
        found = list(_of_any(gate.facts))
    return tuple(found)


def _of_metric(facts: Mapping[str, Any]) -> Iterator[Fact]:
    for name, value in facts["values"].items():
        yield name, "not there" if value is None else _value(value)
    if "threshold" in facts:
        yield "asked for", _value(facts["threshold"])
    for stage, holder in facts.get("holders", {}).items():
        yield (
            f"holder of {stage}",
            "nobody" if holder is None else f"v{holder['number']} ({digest_text(holder['digest'])})",
        )


def _of_check(facts: Mapping[str, Any]) -> Iterator[Fact]:
    if facts["status"] is None:
        if "ran_on" in facts:
            yield "ran on", f"v{facts['ran_on']} ({digest_text(facts['ran_on_digest'])})"
        return
    yield "result", f"{facts['status']}{' (warns only)' if facts['severity'] == 'warn' else ''}"
    most = f", at most {facts['max_age']}" if "max_age" in facts else ""
    yield "age", f"{in_words(timedelta(seconds=facts['age_seconds']))}{most}"
    yield "recorded", f"{facts['at'][:16].replace('T', ' ')} UTC in {facts['recorded_in']}, number {facts['sequence']}"
    yield "digest", digest_text(facts["digest"])
    for name, value in facts["metrics"].items():
        yield name, _value(value)


def _of_approvals(facts: Mapping[str, Any]) -> Iterator[Fact]:
    roles = f" of {' or '.join(facts['roles'])}" if facts["roles"] else ""
    yield "needed", f"{facts['count']}{roles}{', not by the author' if facts['not_author'] else ''}"
    yield "approved by", ", ".join(facts["approved"]) or "nobody"
    for item in facts["left_out"]:
        yield "does not count", f"{item['person']}: {item['why']}"
    if facts["missing"]:
        yield "missing", str(facts["missing"])


def _of_stage(facts: Mapping[str, Any]) -> Iterator[Fact]:
    yield "holds it now", "yes" if facts["holds_now"] else "no"
    yield "held it before", "yes" if facts["held_before"] else "no"


def _of_any(facts: Mapping[str, Any]) -> Iterator[Fact]:
    for name, value in facts.items():
        if value is not None:
            yield name.replace("_", " "), _value(value)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, int | float) else plain_text(value)
