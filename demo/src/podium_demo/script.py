"""The main job in plain Python: train, log, compare, link, test, promote; refuse a worse model; roll back."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import podium
from podium_demo import checks
from podium_demo.digits import CANDIDATES, artifact_name, write_dataset, write_model

PROJECT = "digits"
MODEL = "model-registry/Digits classifier"
WORST = "naive_bayes"


def train_and_promote(project: str = PROJECT, model: str = MODEL, candidates: Sequence[str] = CANDIDATES) -> str:
    """Train the candidates, link the best, test it, and bring it to production.

    Args:
        project: Where artifacts are logged.
        model: The registered model.
        candidates: Which classifiers to train.

    Returns:
        The model version that is in production now.
    """
    registry = podium.open_registry()
    dataset = log_dataset(project)
    logged = [log_candidate(project, candidate, dataset) for candidate in candidates]
    best = registry.compare(logged)
    winner = max(best.versions, key=lambda version: version.metrics["accuracy"])
    linked = registry.link(winner.ref, model, aliases=["candidate"])
    registry.set_policy(model, checks.POLICY)
    report = registry.test(linked.ref, "podium_demo.checks")
    for result in report.results:
        print(f"  {result.name}: {result.status}. {result.message}")
    registry.promote(linked.ref, to="staging")
    registry.promote(linked.ref, to="production")
    return linked.ref


def log_dataset(project: str) -> str:
    """Log the data set and return its reference."""
    with podium.init(project=project, job_type="prepare-data") as run, tempfile.TemporaryDirectory() as folder:
        dataset = podium.Artifact("digits-dataset", type="dataset")
        dataset.add_dir(str(write_dataset(Path(folder))))
        return run.log_artifact(dataset).ref


def log_candidate(project: str, candidate: str, dataset: str) -> str:
    """Train one candidate, log its files and metrics, and return its reference."""
    with (
        podium.init(project=project, job_type="train", config={"candidate": candidate}) as run,
        tempfile.TemporaryDirectory() as folder,
    ):
        run.use_artifact(dataset)
        run.log(write_model(candidate, Path(folder)))
        made = podium.Artifact(artifact_name(candidate), type="model", metadata={"candidate": candidate})
        made.add_dir(folder)
        return run.log_artifact(made).ref


def refuse_and_roll_back(project: str = PROJECT, model: str = MODEL) -> list[str]:
    """Show that a worse model does not get to production, then give production back to the holder before.

    Returns:
        Why the worse model was refused.
    """
    registry = podium.open_registry()
    worse = registry.link(log_candidate(project, WORST, log_dataset(project)), model)
    registry.test(worse.ref, "podium_demo.checks")
    registry.promote(worse.ref, to="staging", reason="A candidate like any other, until its checks are asked for")
    reasons: list[str] = []
    try:
        registry.promote(worse.ref, to="production")
    except podium.PromotionRefusedError as refused:
        reasons = list(refused.reasons)
    registry.rollback(model, "production", reason="The demo shows how it is done")
    return reasons


if __name__ == "__main__":
    print(train_and_promote(), "is in production")
