"""Train, test with a suite of pytest, and promote once a person has agreed: the person is asked in Airflow.

    airflow dags trigger approve_and_promote

The task ``approve`` waits without a worker: Airflow lists it under *Required Actions*, with the verdict of each gate.
Who answers there is on record in the registry, and the policy of the model decides whether that person may: not who
asked for the promotion or logged the version (the user of the worker, or the extra ``actor`` of the connection).

Somebody may as well agree with ``podium approve``; then answer in Airflow, or let the task time out. It takes the
decision that is on record.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import podium_demo
from airflow.sdk import Param, dag, task

from podium.airflow import (
    ApproveModelOperator,
    LinkModelOperator,
    PodiumHook,
    PromoteModelOperator,
    TestModelOperator,
    WaitForPromotionSensor,
)

SUITE = str(Path(podium_demo.__path__[0]) / "suite")
POLICY = """
stages:
  - name: production
    checks: [held_out_images]
    metrics: [accuracy >= production.accuracy - 0.005]
    approvals: {count: 1, expires: 7d}
"""
PARAMS = {
    "project": Param("digits", type="string", description="The project that runs and artifacts go to."),
    "model": Param("model-registry/Digits with approval", type="string", description="The registered model."),
    "candidate": Param("logistic_regression", type="string", description="What to train."),
}


@task
def train(params: dict[str, Any] | None = None) -> str:
    """Train the candidate, log it, and return its reference."""
    from podium_demo import digits

    assert params is not None
    name = digits.artifact_name(params["candidate"])
    with TemporaryDirectory() as folder:
        metrics = digits.write_model(params["candidate"], Path(folder))
        return PodiumHook().registry.log_in_run(f"{params['project']}/{name}", folder, metrics=metrics).ref


@task
def set_policy(params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Say what production asks for; the same policy again changes nothing."""
    import podium

    assert params is not None
    return PodiumHook().registry.set_policy(params["model"], podium.Policy.from_yaml(POLICY)).to_json()


@task
def deploy(promoted: dict[str, Any]) -> str:
    """Do what comes after; it runs only when the stage has moved."""
    print(f"{promoted['ref']} holds {promoted['stage']}. {promoted['outcome'] or ''}")
    return str(promoted["ref"])


@dag(
    schedule=None,
    params=PARAMS,
    default_args={"retries": 1, "retry_delay": timedelta(seconds=10)},
    doc_md=__doc__,
    tags=["podium", "example"],
)
def approve_and_promote() -> None:
    """Train, log, link, test, ask for production, ask a person, go on when the stage has moved."""
    link = LinkModelOperator(task_id="link", ref=train(), model="{{ params.model }}")
    test = TestModelOperator(task_id="test", ref=link.output, suite=SUITE, timeout=300)
    promote = PromoteModelOperator(
        task_id="promote", ref=link.output, to="production", reason="{{ params.candidate }}, trained by {{ run_id }}"
    )
    approve = ApproveModelOperator(task_id="approve", request=promote.output, response_timeout=timedelta(days=7))
    # With one approval asked for, the stage has moved by now. Where a policy asks for more people, this waits for them.
    moved = WaitForPromotionSensor(task_id="moved", request=approve.output, poke_interval=30)
    link >> set_policy() >> test >> promote
    deploy(moved.output)


approve_and_promote()
