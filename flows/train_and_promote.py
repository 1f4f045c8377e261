"""Train classifiers of handwritten digits, and bring the best one to production: a template for a flow of yours.

    PODIUM_URL=sqlite:////tmp/podium/podium.db python flows/train_and_promote.py

It logs the data set and each candidate, compares them, links the best into the registered model, tests it, and
promotes it to staging and on to production. Any task of it, and all of it, may run again: what is there already is
found again, and no version, link or promotion is added.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from podium_demo import digits
from podium_demo.checks import POLICY
from prefect import flow, task, unmapped

import podium
from podium.prefect import ModelResult, link_model, log_model, promote_model, test_model


@task(task_run_name="train {candidate}")
def train(candidate: str, folder: Path) -> dict[str, float]:
    """Train a candidate into a folder; return its metrics. Your own training goes here."""
    return digits.write_model(candidate, folder)


@task
def choose_best(candidates: Sequence[ModelResult]) -> ModelResult:
    """Print the candidates side by side and return the most accurate one."""
    table = podium.open_registry().compare([candidate.ref for candidate in candidates])
    print(f"{'':12}", *(f"{version.source.partition('/')[2]:>24}" for version in table.versions))
    for metric in table.metrics:
        print(f"{metric.name:12}", *(f"{value:24.4f}" for value in metric.values if value is not None))
    return max(candidates, key=lambda candidate: candidate.metrics["accuracy"])


@task(task_run_name="set the policy of {model}")
def set_policy(model: str) -> None:
    """Say which checks each stage requires; the same policy again changes nothing."""
    podium.open_registry().set_policy(model, POLICY, reason="As the code says.")


@flow(log_prints=True)
def train_and_promote(
    project: str = "digits",
    model: str = "model-registry/Digits classifier",
    candidates: Sequence[str] = digits.CANDIDATES,
) -> ModelResult:
    """Train, log, compare, link, test and promote.

    Args:
        project: Where the data set and the candidates are logged.
        model: The registered model that the best candidate becomes a version of.
        candidates: What to train, out of `podium_demo.digits.CANDIDATES`.

    Returns:
        The promotion to production.
    """
    with tempfile.TemporaryDirectory() as work:
        data = log_model(
            f"{project}/digits-dataset",
            digits.write_dataset(Path(work, "data")),
            type="dataset",
            description="Handwritten digits, 8 x 8 pixels, in three parts",
        )
        folders = [Path(work, candidate) for candidate in candidates]
        metrics = train.map(candidates, folders)
        logged = log_model.map(
            [f"{project}/{digits.artifact_name(candidate)}" for candidate in candidates],
            folders,
            metadata=[{"candidate": candidate} for candidate in candidates],
            metrics=metrics,
            uses=unmapped([data]),
        ).result()
    best = choose_best(logged)
    version = link_model(best, model, aliases=["candidate"])
    set_policy(model)
    test_model(version, checks="podium_demo.checks")
    reason = f"The best of {', '.join(candidates)} by accuracy."
    promote_model(version, "staging", reason=reason)
    return promote_model(version, "production", reason=reason)


if __name__ == "__main__":
    promoted = train_and_promote()
    print(f"{promoted.ref} is in production{'' if promoted.changed else ', as before'}.")
