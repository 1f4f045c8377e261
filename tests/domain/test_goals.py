"""Which way a metric gets better."""

from __future__ import annotations

from pathlib import Path

import pytest

from podium.domain.goals import (
    HIGHER,
    HIGHER_PHRASES,
    LOWER,
    LOWER_PHRASES,
    NEUTRAL,
    Direction,
    check_goals,
    direction_of,
)
from podium.errors import InvalidValueError

BY_NAME = {
    "lower": "loss val/loss val_loss.min trainLoss logLoss log_loss mean_squared_error rmse RMSE perplexity WER "
    "word_error_rate p99_latency_ms false_positive_rate cross_entropy negative_log_likelihood brier_score",
    "higher": "accuracy val.accuracy top5_acc f1_macro F1 precision recall@10 roc_auc AUC r2 R^2 mAP map50_95 bleu-4 "
    "rougeL mIoU explained_variance log_likelihood neg_log_loss neg_mean_squared_error pass@1",
    None: "learning_rate lr epoch score accuracy_std loss_weight recall_threshold accuracy_drop gpu.0.memory lossless "
    "recall_error glossary maple time x 精度",
}


@pytest.mark.parametrize(
    ("better", "name"), [(better, name) for better, text in BY_NAME.items() for name in text.split()]
)
def test_the_name_says_it(better, name) -> None:
    """Words of the field say which way; words that are none, contradict or speak of something else say nothing."""
    assert direction_of(name) == Direction(better, "name" if better else None)


@pytest.mark.parametrize("word", [*LOWER, *HIGHER])
def test_no_word_stands_on_both_sides(word) -> None:
    """Each word of the table is found by itself, in the table that it stands in."""
    assert direction_of(word).better == ("lower" if word in LOWER else "higher")
    assert not {word} <= set(LOWER) & set(HIGHER)


def test_the_run_wins_over_the_name() -> None:
    """What a run declared counts, for the summaries of the metric, too."""
    goals = [{"loss": "maximize"}]
    assert direction_of("loss", goals) == direction_of("loss.min", goals) == Direction("higher", "run")
    assert direction_of("val.loss", goals) == Direction("lower", "name")


def test_the_longest_pattern_wins() -> None:
    """A name by itself is stronger than any pattern, and a long pattern than a short one."""
    goals = [{"*": "minimize", "val/*": "maximize", "val/x": "minimize"}]
    found = [direction_of(name, goals).better for name in ("a", "val/y", "val/x")]
    assert found == ["lower", "higher", "lower"]


def test_runs_that_disagree_say_nothing() -> None:
    """Where two runs declared different goals nobody knows what is better, whatever the name says."""
    assert direction_of("loss", [{"loss": "minimize"}, {"loss": "maximize"}]) == Direction()
    assert direction_of("loss", [{"loss": "minimize"}, {}]) == Direction("lower", "run")


@pytest.mark.parametrize("goals", [{"a": "min"}, {"a": None}, {"": "minimize"}, {"a*b": "minimize"}, {1: "minimize"}])
def test_no_goal(goals) -> None:
    """Unknown words and impossible names are refused with the words that are known."""
    with pytest.raises(InvalidValueError):
        check_goals(goals)


@pytest.mark.parametrize("words", [LOWER, LOWER_PHRASES, HIGHER, HIGHER_PHRASES, NEUTRAL], ids=lambda words: words[0])
def test_the_guide_has_the_table(words) -> None:
    """docs/compare.md names each word in the line where it belongs, in the same order."""
    guide = (Path(__file__).parents[2] / "docs" / "compare.md").read_text(encoding="utf-8")
    assert ", ".join(f"`{word}`" for word in words) in guide
