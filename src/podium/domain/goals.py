"""Which way a metric gets better: as its run declared it, else as its name says, else nobody knows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from podium.domain.plain import Value
from podium.domain.runs import check_metric_name
from podium.errors import InvalidValueError

Goal = Literal["minimize", "maximize"]
Better = Literal["lower", "higher"]
DirectionSource = Literal["run", "name"]
SUMMARIES = ("min", "max", "mean", "best", "last")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text.split(",") if "," in text else text.split()))


# Words of the field, each part of a name by itself; phrases first, the longest first. docs/compare.md shows the table,
# and a test holds that it is this one.
LOWER = _listed("""
    loss error err rmse mse mae mape smape wape mase rmsle msle medae logloss nll perplexity ppl bpb bpc latency wer cer
    ter mer eer ece mce brier fid kid fpr fnr fdr hinge crossentropy divergence regret deviance pinball aic bic mpjpe
""")
LOWER_PHRASES = _listed("""
    negative log likelihood, cross entropy, false positive, false negative, false discovery, failure rate, edit distance
""")
HIGHER = _listed("""
    accuracy acc f1 f2 fscore fbeta precision recall sensitivity specificity auc auroc rocauc prauc aupr auprc r2 map ap
    ndcg mrr bleu sacrebleu rouge rougel rougelsum meteor chrf bertscore iou miou giou dice jaccard mcc matthews kappa
    gini tpr tnr psnr ssim throughput hit hits reward elo silhouette
""")
HIGHER_PHRASES = _listed("""
    explained variance, log likelihood, true positive, true negative, success rate, win rate, hit rate, pass rate,
    pass 1, pass 5, pass 10, pass k, exact match, r squared, r 2, f 1, f score
""")
# What stands beside a metric and is none: `accuracy_std`, `loss_weight`, `recall_threshold`.
NEUTRAL = _listed("""
    std stddev var variance count threshold thresholds weight weights scale support epoch epochs step steps drop gap
    delta change ci bound seed
""")
_OPPOSITE: dict[Better, Better] = {"lower": "higher", "higher": "lower"}
_PHRASES: dict[tuple[str, ...], Better] = {
    **{tuple(phrase.split()): "lower" for phrase in LOWER_PHRASES},
    **{tuple(phrase.split()): "higher" for phrase in HIGHER_PHRASES},
}
_WORDS: dict[str, Better] = {**dict.fromkeys(LOWER, "lower"), **dict.fromkeys(HIGHER, "higher")}
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z0-9]+")


@dataclass(frozen=True, slots=True)
class Direction(Value):
    """Which way a metric gets better.

    Attributes:
        better: ``lower`` or ``higher``; None where nobody said it, or two runs said different things.
        source: ``run`` where `Run.define_metric` said it, ``name`` where its name says it; None where it is not known.
    """

    better: Better | None = None
    source: DirectionSource | None = None


UNKNOWN = Direction()


def check_goal(goal: Any) -> Goal:
    """Return a goal unchanged if it is one.

    Raises:
        InvalidValueError: It is neither ``minimize`` nor ``maximize``.
    """
    if goal not in get_args(Goal):
        raise InvalidValueError(f"{goal!r} is no goal of a metric.", hint="Use 'minimize' or 'maximize'.")
    found: Goal = goal
    return found


def check_goals(goals: Mapping[str, Any]) -> dict[str, Goal]:
    """Return metrics and their goals if every backend can store them; a name may end in ``*``.

    Raises:
        InvalidValueError: A name or a goal cannot be used.
    """
    return {check_pattern(name): check_goal(goal) for name, goal in goals.items()}


def check_pattern(name: Any) -> str:
    """Return the name of a metric, or of all that begin with what stands before a ``*``.

    Raises:
        InvalidValueError: It is no name, or a ``*`` stands elsewhere than at the end.
    """
    found = check_metric_name(name)
    if "*" in found[:-1]:
        raise InvalidValueError(f"{name!r} has a * that is not at its end.", hint="Write 'val/*', or name each metric.")
    return found


def pattern_for(name: str, patterns: Iterable[str]) -> str | None:
    """Return what speaks of a metric: its own name, else the longest pattern that it begins with."""
    fitting = [
        pattern for pattern in patterns if pattern == name or (pattern[-1] == "*" and name.startswith(pattern[:-1]))
    ]
    return name if name in fitting else max(fitting, key=len, default=None)


def direction_of(name: str, declared: Iterable[Mapping[str, str]] = ()) -> Direction:
    """Return which way a metric gets better.

    Args:
        name: The metric.
        declared: The goals of each run that is looked at, by name or pattern.
    """
    base, _, summary = name.rpartition(".")
    names = (name, base) if base and summary in SUMMARIES else (name,)
    said = {goal for goals in declared if (goal := _declared(names, goals)) is not None}
    if said:
        known: dict[str, Better] = {"minimize": "lower", "maximize": "higher"}
        return Direction(known[said.pop()], "run") if len(said) == 1 else UNKNOWN
    better = _better_by_name(name)
    return UNKNOWN if better is None else Direction(better, "name")


def _declared(names: Iterable[str], goals: Mapping[str, str]) -> str | None:
    """Return the goal that a run declared; that of ``loss`` holds for ``loss.min``, too."""
    found = (pattern_for(name, goals) for name in names)
    return next((goals[pattern] for pattern in found if pattern is not None), None)


def _better_by_name(name: str) -> Better | None:
    """Read the words of a name; those that contradict each other, or are about something else, say nothing."""
    words = _words(name)
    negated = words[:1] in (["neg"], ["inverse"])  # scikit-learn's neg_log_loss is larger where the model is better
    found: set[Better] = set()
    left: list[str] = []
    while words:
        length = next((size for size in (3, 2) if tuple(words[:size]) in _PHRASES), 1)
        better = (
            _PHRASES.get(tuple(words[:length])) or _WORDS.get(words[0]) or _WORDS.get(words[0].rstrip("0123456789"))
        )
        if better is None:
            left.append(words[0])
        else:
            found.add(better)
        words = words[length:]
    if len(found) != 1 or not set(left).isdisjoint(NEUTRAL):
        return None
    better = found.pop()
    return _OPPOSITE[better] if negated else better


def _words(name: str) -> list[str]:
    """Take a name apart at what is no letter or digit, and where a capital begins a word; ``mAP`` stays whole."""
    words: list[str] = []
    for part in re.split(r"[^A-Za-z0-9]+", name):
        known = part.lower() in _WORDS or part.lower().rstrip("0123456789") in _WORDS
        words += [part.lower()] if known else [word.lower() for word in _PART.findall(part)]
    return words
