"""Show what protects production: a bad version is refused with reasons, and a good one comes back in one call.

    PODIUM_URL=sqlite:////tmp/podium/podium.db python flows/refuse_and_roll_back.py

The reasons: it was never in staging, a check failed, and the rule `accuracy >= production.accuracy - 0.005` of the
policy does not hold. Run `train_and_promote.py` twice before, with different candidates, so that production has had two
holders.
"""

from __future__ import annotations

from collections.abc import Sequence

from podium_demo import digits
from prefect import flow, task

import podium
from podium.prefect import ModelResult, link_model, promote_model, test_model


@task
def choose_worst(project: str, candidates: Sequence[str]) -> str:
    """Return the least accurate candidate that was logged."""
    registry = podium.open_registry()
    logged = [registry.resolve(f"{project}/{digits.artifact_name(candidate)}") for candidate in candidates]
    return min(logged, key=lambda version: version.metrics["accuracy"]).ref


@task(task_run_name="roll back {stage}")
def roll_back(model: str, stage: str) -> str:
    """Give a stage back to its previous holder; any verb of the registry may be called in any task."""
    return f"v{podium.open_registry().rollback(model, stage, reason='To show a rollback.').number}"


@flow(log_prints=True)
def refuse_and_roll_back(
    project: str = "digits",
    model: str = "model-registry/Digits classifier",
    candidates: Sequence[str] = digits.CANDIDATES,
) -> list[str]:
    """Try to promote the worst candidate, then roll production back.

    Args:
        project: Where the candidates were logged.
        model: The registered model.
        candidates: Out of which the worst is chosen, such as the ones in `podium_demo.digits.CANDIDATES`.

    Returns:
        Why the promotion was refused.
    """
    worst: ModelResult = link_model(choose_worst(project, candidates), model)
    report = test_model(worst, checks="podium_demo.checks", raise_on_failure=False)
    print(f"{worst.ref} passed its checks: {report.passed}")
    refusal = promote_model(worst, "production", reason="To show that the gates hold.", return_state=True).result(
        raise_on_failure=False
    )
    if not isinstance(refusal, podium.PromotionRefusedError):
        raise RuntimeError(f"{worst.ref} should have been refused, but: {refusal!r}")
    print("Refused:", *refusal.reasons, sep="\n  ")
    print(f"Production is {roll_back(model, 'production')} again.")
    return list(refusal.reasons)


if __name__ == "__main__":
    refuse_and_roll_back()
