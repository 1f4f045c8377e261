"""Train, test with a suite of pytest, and promote once a person has agreed: the flow run is paused for the answer.

    export PODIUM_URL=sqlite:////tmp/podium/podium.db PREFECT_API_URL=http://127.0.0.1:4200/api
    python flows/approve_and_promote.py

The paused flow run has a form in the UI, with the verdict of each gate. Who answers there is on record in the registry,
and the policy of the model decides whether that person may: not who asked for the promotion or logged the version. The
flow run goes on as well when somebody agrees with `podium approve`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import podium_demo
from podium_demo import digits
from prefect import flow, task

import podium
from podium.prefect import ModelResult, ask_for_approval, link_model, log_model, promote_model, test_model

SUITE = Path(podium_demo.__path__[0]) / "suite"
POLICY = """
stages:
  - name: production
    checks: [held_out_images]
    metrics: [accuracy >= production.accuracy - 0.005]
    approvals: {count: 1, expires: 7d}
"""


@task(task_run_name="train {candidate}")
def train(candidate: str, folder: Path) -> dict[str, float]:
    """Train a candidate into a folder; return its metrics. Your own training goes here."""
    return digits.write_model(candidate, folder)


@task(task_run_name="set the policy of {model}")
def set_policy(model: str) -> None:
    """Say what production asks for; the same policy again changes nothing."""
    podium.open_registry().set_policy(model, podium.Policy.from_yaml(POLICY))


@flow(log_prints=True)
def approve_and_promote(
    project: str = "digits",
    model: str = "model-registry/Digits with approval",
    candidate: str = "logistic_regression",
    timeout: int = 3600,
    poll_interval: int = 10,
) -> ModelResult:
    """Train, log, link, test, ask for production, ask a person.

    Args:
        project: Where the candidate is logged.
        model: The registered model.
        candidate: One of `podium_demo.digits.CANDIDATES`.
        timeout: Seconds that a person has for the answer.
        poll_interval: Seconds between two looks for it.

    Returns:
        The promotion, committed.
    """
    with tempfile.TemporaryDirectory() as folder:
        metrics = train(candidate, Path(folder))
        logged = log_model(f"{project}/{digits.artifact_name(candidate)}", folder, metrics=metrics)
    version = link_model(logged, model)
    set_policy(model)
    test_model(version, suite=SUITE, timeout=300)
    asked = promote_model(version, "production", reason=f"{candidate}, trained anew")
    promoted = ask_for_approval(asked, timeout=timeout, poll_interval=poll_interval)
    print(f"{promoted.ref} holds {promoted.stage}. {promoted.outcome or ''}")
    return promoted


if __name__ == "__main__":
    approve_and_promote()
