"""Rules over metrics: ``accuracy >= production.accuracy - 0.005``, judged on plain numbers, told as a sentence."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from podium.domain.expressions import (
    Expression,
    Field,
    Found,
    Type,
    Vocabulary,
    evaluate,
    mistake,
    read_expression,
    tree,
)
from podium.domain.expressions.arithmetic import compute, usable
from podium.domain.expressions.vocabulary import near_names
from podium.domain.gates import GateResult
from podium.domain.plain import to_plain

_METRIC = Field("metric", Type.NUMBER, "a metric of the version; its name alone means the same", family=True)
_METADATA = Field("metadata", Type.ANY, "of the version", family=True)
_TAG = Field("tag", Type.TEXT, "of the version", many=True, synonyms=("tags",))
_ASKED = {">=": "at least", ">": "more than", "<=": "at most", "<": "less than", "=": "exactly", "!=": "other than"}
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)  # nothing in this vocabulary is a time


@dataclass(frozen=True, slots=True)
class Subject:
    """A version as its gates see it.

    Attributes:
        ref: ``REGISTRY/MODEL:vN``.
        number: Its number.
        digest: Its digest.
        metrics: As logged.
        metadata: As logged, with edits.
        tags: Its tags.
    """

    ref: str
    number: int
    digest: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a stage.

    Attributes:
        number: Of the version.
        digest: Its digest.
        metrics: As logged.
    """

    number: int
    digest: str
    metrics: Mapping[str, float] = field(default_factory=dict)


class RuleVocabulary(Vocabulary):
    """What a rule may name: metrics of the version by their names alone, ``STAGE.metric``, ``metadata.X``, ``tag``.

    Args:
        stages: The names of the stages of the policy.
    """

    def __init__(self, stages: Collection[str]) -> None:
        self.stages = {name: Field(name, Type.NUMBER, "a metric of its holder", family=True) for name in stages}
        super().__init__("gates", (_METRIC, *self.stages.values(), _METADATA, _TAG))

    def find(self, parts: tuple[str, ...]) -> Found | None:
        """Return what a name means; what is nothing else is a metric, unless it looks like a slip of the pen."""
        found = super().find(parts)
        if found is not None:
            return found
        if len(parts) > 1 and difflib.get_close_matches(
            parts[0], [*self.stages, "metadata", "metric"], n=1, cutoff=0.75
        ):
            return None
        return Found(_METRIC, ".".join(parts)) if ".".join(parts).lower() != "null" else None


def parse_rule(text: str, stages: Collection[str]) -> Expression:
    """Return what a rule means.

    Args:
        text: The rule.
        stages: The names of the stages of the policy.

    Raises:
        ExpressionError: It breaks the grammar, or names what is not there; the text shows where.
    """
    rule = read_expression(text, RuleVocabulary(stages), _NO_TIME)
    if rule.condition is None:
        raise mistake(text, 1, "This rule asks for nothing.", "Such as: accuracy >= 0.95.")
    return rule


def rule_gate(text: str, subject: Subject, holders: Mapping[str, Holder | None]) -> GateResult:
    """Return the verdict of a rule on a version.

    A comparison with the holder of a stage that nobody holds lets the version through, so that a first promotion is
    possible; a metric that is missing does not, as nobody knows then.

    Args:
        text: The rule.
        subject: The version.
        holders: Who holds each stage of the policy, None for nobody.
    """
    rule = parse_rule(text, holders)
    values = {_label(found): _value(found, subject, holders) for found in rule.fields}
    empty = [found for found in rule.fields if found.field.name in holders and holders[found.field.name] is None]
    verdict = _judge(rule.condition, lambda found: values[_label(found)], {found.field.name for found in empty}, True)
    facts: dict[str, Any] = {
        "expression": text,
        "values": to_plain(values),
        "holders": {
            name: {"number": holder.number, "digest": holder.digest} if holder is not None else None
            for found in rule.fields
            if (name := found.field.name) in holders
            for holder in [holders[name]]
        },
    }
    reason = _reason(rule, subject, holders, values, verdict)
    asked = _asked(rule.condition, values)
    if asked is not None:
        facts["threshold"] = asked
    return GateResult("metric", text, "passed" if verdict else "failed", reason, facts)


def _judge(node: Any, lookup: Any, empty: Collection[str], positive: bool) -> bool | None:
    """Evaluate a condition; where it compares with a stage that nobody holds, whatever lets the version through."""
    match node:
        case tree.And(_, items):
            found = [_judge(item, lookup, empty, positive) for item in items]
            return False if False in found else None if None in found else True
        case tree.Or(_, items):
            found = [_judge(item, lookup, empty, positive) for item in items]
            return True if True in found else None if None in found else False
        case tree.Not(_, item):
            inner = _judge(item, lookup, empty, not positive)
            return None if inner is None else not inner
    used = tree.fields_of(node)
    if not isinstance(node, tree.IsNull) and any(found.field.name in empty for found in used):
        # What the version itself lacks is not known, whoever holds the stage.
        known = all(lookup(found) is not None for found in used if found.field.name not in empty)
        return positive if known else None
    return evaluate(node, lookup)


def _label(found: Found) -> str:
    """Return a field as a sentence calls it: the metric alone for the version, with the stage for a holder."""
    return found.key or "" if found.field.name == "metric" else found.path


def _value(found: Found, subject: Subject, holders: Mapping[str, Holder | None]) -> Any:
    name, key = found.field.name, found.key or ""
    if name in holders:
        holder = holders[name]
        return holder.metrics.get(key) if holder is not None else None
    if name == "metadata":
        return _leaf(subject.metadata, key)
    return subject.tags if name == "tag" else subject.metrics.get(key)


def _leaf(metadata: Mapping[str, Any], key: str) -> Any:
    """Return what stands in metadata under a dotted name; a mapping is no value."""
    if key in metadata and not isinstance(metadata[key], Mapping):
        return metadata[key]
    head, dot, rest = key.partition(".")
    below = metadata.get(head)
    return _leaf(below, rest) if dot and isinstance(below, Mapping) else None


def _reason(
    rule: Expression,
    subject: Subject,
    holders: Mapping[str, Holder | None],
    values: Mapping[str, Any],
    verdict: bool | None,
) -> str:
    nobody = [name for name in holders if holders[name] is None and _names(rule, name)]
    if verdict is None:
        return _unknown(rule, subject, holders, values)
    if verdict and nobody and _all_empty(rule, nobody):
        return f"Nobody holds {_quoted(nobody)} yet, so {rule.text!r} has nothing to compare with and lets through."
    known = ", ".join(_known(found, values, holders) for found in rule.fields if values[_label(found)] is not None)
    node = rule.condition
    asked = _asked(node, values)
    if asked is not None and isinstance(node, tree.Comparison) and isinstance(node.left, tree.Use):
        label = _label(node.left.found)
        shown = _apart(values[label], asked)
        says = f"{label} is {shown[0]}; {_ASKED[node.comparator]} {shown[1]} is asked for"
        others = ", ".join(_known(found, values, holders) for found in rule.fields if _label(found) != label)
        return f"{says} ({others}; the rule is {rule.text!r})." if others else f"{says}."
    holds = "holds" if verdict else "does not hold"
    return f"The rule {rule.text!r} {holds}" + (f": {known}." if known else ".")


def _names(rule: Expression, stage: str) -> bool:
    return any(found.field.name == stage for found in rule.fields)


def _all_empty(rule: Expression, nobody: Collection[str]) -> bool:
    """Whether the rule as a whole is one comparison with a stage that nobody holds."""
    return not isinstance(rule.condition, tree.And | tree.Or) and any(_names(rule, name) for name in nobody)


def _unknown(
    rule: Expression, subject: Subject, holders: Mapping[str, Holder | None], values: Mapping[str, Any]
) -> str:
    """Say what is missing, or of another kind than the rule needs."""
    for found in rule.fields:
        name, key = found.field.name, found.key or ""
        if values[_label(found)] is None and not (name in holders and holders[name] is None):
            holder = holders.get(name)
            who = f"{name} (v{holder.number})" if holder is not None else subject.ref
            there: Sequence[str] = list(holder.metrics if holder is not None else subject.metrics)
            near = near_names(key, there) if name != "metadata" else []
            what = "metadata" if name == "metadata" else "metric"
            hint = f" It has {near[0]!r}." if near else ""
            return f"{who} has no {what} {key!r}, so {rule.text!r} cannot be judged.{hint}"
    known = ", ".join(_known(found, values, holders) for found in rule.fields)
    return f"{rule.text!r} cannot be judged: {known}."


def _known(found: Found, values: Mapping[str, Any], holders: Mapping[str, Holder | None]) -> str:
    label, holder = _label(found), holders.get(found.field.name)
    value = values[label]
    if found.field.name == "tag":
        return f"its tags are {', '.join(map(repr, value))}" if value else "it has no tags"
    shown = _number(value) if isinstance(value, int | float) else repr(value)
    return f"{label} is {shown}" + (f" (v{holder.number})" if holder is not None else "")


def _asked(node: Any, values: Mapping[str, Any]) -> float | None:
    """Return the number on the right side of a single comparison of numbers, None for anything else."""
    if not isinstance(node, tree.Comparison):
        return None
    return _computed(node.right, values) if _computed(node.left, values) is not None else None


def _computed(node: Any, values: Mapping[str, Any]) -> float | None:
    match node:
        case tree.Constant(_, value):
            return value if isinstance(value, int | float) and not isinstance(value, bool) else None
        case tree.Use(_, found):
            value = values[_label(found)]
            return value if isinstance(value, int | float) and not isinstance(value, bool) else None
        case tree.Arithmetic(_, operator, left, right):
            return compute(operator, usable(_computed(left, values)), usable(_computed(right, values)))
    return None


def _number(value: float) -> str:
    return f"{value:.6g}"


def _apart(one: float, other: float) -> tuple[str, str]:
    """Return two numbers so that one sees whether they differ."""
    same = _number(one) == _number(other) and one != other
    return (repr(one), repr(other)) if same else (_number(one), _number(other))


def _quoted(names: Sequence[str]) -> str:
    return " and ".join(repr(name) for name in names)
