"""The report of a promotion: Markdown for a pull request, JUnit XML for CI, one HTML file for people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from podium.domain.gates import GateResult
from podium.domain.junit import Case, Outcome, junit_xml
from podium.domain.markup import escape_markdown, markdown_cell
from podium.domain.policies import DEFAULT_POLICY, Policy
from podium.domain.transitions import Transition
from podium.errors import PodiumError
from podium.reports.about import Said, about_inputs, about_version, happened, said_by
from podium.reports.checks import version_name
from podium.reports.compared import comparison_view
from podium.reports.decisions import decide
from podium.reports.facts import PromotionFacts
from podium.reports.gates import gate_facts, gate_rows
from podium.reports.markdown import markdown_table, metrics_markdown
from podium.reports.pages import render, stamp

_MARKS = {"pass": "✅", "fail": "❌", "warn": "⚠️", "wait": "⏳"}
_ARROWS = {"promoted": "→", "rolled_back": "→", "demoted": "taken from"}
_NO_GATES = {
    "rolled_back": "No gate was asked: this version passed them when it held the stage before.",
    "demoted": "No gate was asked: nothing was given a stage.",
}
_SHAPES = {"approved": "pass", "rejected": "fail", "withdrawn": "skip"}


def promotion_html(made: Transition, facts: PromotionFacts | None = None, *, at: datetime | None = None) -> str:
    """Return the report of an attempt to move a stage as one HTML page that needs nothing beside it.

    Args:
        made: What `Registry.promote`, `Registry.transition` or `Registry.rollback` returned.
        facts: What else there is to tell; `Registry.promotion_report` gathers it.
        at: When it was made; now if None.
    """
    known = facts or PromotionFacts()
    page: dict[str, Any] = {
        "title": f"{version_name(made.ref)} {_ARROWS[made.kind]} {made.stage}",
        "verdict": decide(made),
        "asked": list(_asked(made)),
        "gates": gate_rows(made.gates),
        "no_gates": _NO_GATES.get(made.kind, "No gate was asked."),
        "approvals": [(_SHAPES.get(word.decision, "plain"), word, stamp(word.at)) for word in made.approvals],
        "rule": _rule(made),
        "policy": list(_about_policy(made, known)),
        "yaml": _policy_text(made, known),
        "before": None if made.before is None else f"v{made.before}",
        "stage": made.stage,
        "about": about_version(made.ref, made.digest, known.about),
        "inputs": about_inputs(known.about),
        "compared": comparison_view(known.comparison, level=3) if known.comparison is not None else None,
        "at": stamp(at),
    }
    return render("promotion.html.j2", **page)


def promotion_markdown(made: Transition, facts: PromotionFacts | None = None) -> str:
    """Return the report of an attempt to move a stage as Markdown, with the metrics beside those of the holder.

    Args:
        made: What `Registry.promote` or `Registry.transition` returned.
        facts: What else there is to tell.
    """
    known, found = facts or PromotionFacts(), decide(made)
    title = f"{found.word}: {escape_markdown(made.ref)} {_ARROWS[made.kind]} {escape_markdown(made.stage)}"
    parts = [f"### {_MARKS[found.tone]} {title}", markdown_cell(found.sentence)]
    parts += ["\n".join(f"- {markdown_cell(reason)}" for reason in found.reasons)] if found.reasons else []
    if made.gates:
        rows = [
            [_MARKS[row.tone], row.verdict, f"{row.kind}: {markdown_cell(row.name)}", markdown_cell(row.reason)]
            for row in gate_rows(made.gates)
        ]
        parts.append(markdown_table(["", "Gate says", "Gate", "Why"], rows))
    if made.approvals:
        people = [
            [escape_markdown(word.person), word.decision, markdown_cell(word.comment or ""), stamp(word.at)]
            for word in made.approvals
        ]
        parts.append(markdown_table(["Who", "Decision", "Comment", "When"], people))
    if known.comparison is not None and (metrics := metrics_markdown(known.comparison)):
        parts.append(metrics.rstrip("\n"))
    parts.append(f"<sub>{'<br>'.join(_small_print(made, known))}</sub>")
    return "\n\n".join(parts) + "\n"


def promotion_junit(made: Transition) -> str:
    """Return the report of an attempt to move a stage as JUnit XML: a case for the decision, and one per gate.

    A gate that waits is skipped; one that somebody overruled is a case that passed, with what it said as output.
    """
    found, suite = decide(made), f"{made.ref} as {made.stage}"
    outcome: Outcome = "passed" if made.status == "committed" else "skipped" if made.status == "pending" else "failure"
    cases = [
        Case(suite, "decision", outcome, found.sentence, made.status, found.sentence if outcome == "passed" else "")
    ]
    cases += [_case(suite, gate, overruled=made.forced) for gate in made.gates]
    about = {"ref": made.ref, "digest": made.digest, "stage": made.stage, "status": made.status, "request": made.id}
    return junit_xml(cases, about)


def _case(suite: str, gate: GateResult, *, overruled: bool) -> Case:
    outcomes: dict[str, Outcome] = {"passed": "passed", "pending": "skipped", "failed": "failure"}
    outcome: Outcome = "passed" if overruled else outcomes[gate.verdict]
    said = [f"overruled: {gate.reason}"] if overruled and not gate.passed else []
    said += [gate.reason] if gate.passed else []
    facts = [f"{name}: {value}" for name, value in gate_facts(gate)]
    return Case(suite, gate.gate, outcome, gate.reason, gate.kind, "\n".join([*said, *facts]))


def _small_print(made: Transition, known: PromotionFacts) -> Iterator[str]:
    yield f"Digest {escape_markdown(made.digest)}"
    asked = f"Asked by {made.actor} on {stamp(made.at)}" + (f": {made.reason}" if made.reason else "")
    yield markdown_cell(asked)
    yield from (escape_markdown(f"{said.label.capitalize()}: {said.text}") for said in _about_policy(made, known)[:1])
    if not made.dry_run:
        yield f"Request {made.id}"


def _asked(made: Transition) -> Iterator[Said]:
    yield happened("planned" if made.dry_run else "asked", made.at, made.actor)
    yield said_by("from", made.origin)
    if made.reason:
        yield Said("reason", made.reason)
    if made.ended_at is not None and made.ended_by is not None:
        yield happened("decided", made.ended_at, made.ended_by)
        if made.outcome:
            yield Said("outcome", made.outcome)
    if made.expires_at is not None and made.status == "pending":
        yield Said("waits until", stamp(made.expires_at))
    yield Said("held before by", "nobody" if made.before is None else f"v{made.before}")
    if not made.dry_run:
        yield Said("request", made.id, code=True)


def _rule(made: Transition) -> str:
    """Return what the people's gate says, if there is one."""
    return next((gate.reason for gate in made.gates if gate.kind == "approvals"), "")


def _about_policy(made: Transition, known: PromotionFacts) -> list[Said]:
    """Return which policy it was, and who set it; nothing where no gate was asked of one."""
    if made.policy is None:
        return []
    target, revision = made.policy.get("target"), made.policy.get("revision")
    if revision is None:
        return [Said("policy", "Podium's own, as none was set")]
    rows = [Said("policy", f"revision {revision} for {target}")]
    if known.policy is not None:
        rows.append(happened("set", known.policy.at, known.policy.actor))
        rows += [Said("reason", known.policy.reason)] if known.policy.reason else []
    return rows


def _policy_text(made: Transition, known: PromotionFacts) -> str:
    """Return the policy as YAML, empty where it is not known any more."""
    if made.policy is None:
        return ""
    if made.policy.get("revision") is None:
        return DEFAULT_POLICY.to_yaml()
    if known.policy is None or known.policy.policy is None:
        return ""
    try:
        return Policy.from_json(known.policy.policy).to_yaml()
    except PodiumError:  # what a newer or older Podium wrote
        return ""
