"""Train candidates, keep the best, test it, and promote it to production. A template: copy it and put your own in.

    airflow dags test train_and_promote
    airflow dags test train_and_promote --conf '{"candidates": ["naive_bayes", "logistic_regression"]}'

The registry is the connection ``podium_default``, or what ``PODIUM_URL`` names when there is no such connection. What
is trained lives in a package of its own (``podium_demo`` here) and knows nothing of Airflow or Podium.

Every task may run again at any time. The same bytes are the same version, a link is made once, and a stage that the
version holds already does not move, so running the whole DAG twice adds no version, no link and no promotion.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from airflow.sdk import Param, dag, task

from podium.airflow import LinkModelOperator, PodiumHook, PromoteModelOperator, TestModelOperator

PARAMS = {
    "project": Param("digits", type="string", description="The project that runs and artifacts go to."),
    "model": Param("model-registry/Digits classifier", type="string", description="The registered model."),
    "candidates": Param(
        ["naive_bayes", "logistic_regression", "support_vectors"], type="array", description="What to train."
    ),
    "metric": Param("accuracy", type="string", description="The metric that the best candidate has most of."),
    "champion": Param("production", type="string", description="The stage whose holder the checks compare with."),
    "promote_to": Param("production", type="string", description="The stage after 'staging'."),
}


@task
def log_data_set(params: dict[str, Any] | None = None) -> str:
    """Log the data that all candidates are trained on, and return its reference."""
    from podium_demo import digits

    import podium

    assert params is not None
    with (
        TemporaryDirectory() as folder,
        podium.init(params["project"], registry=PodiumHook().registry) as run,
    ):
        data = podium.Artifact("digits-dataset", "dataset", "Handwritten digits, 8 x 8 pixels, in three parts")
        data.add_dir(str(digits.write_dataset(Path(folder))))
        return run.log_artifact(data).ref


@task
def list_candidates(params: dict[str, Any] | None = None) -> list[str]:
    """Return what to train; one task is mapped over each."""
    assert params is not None
    return list(params["candidates"])


@task(map_index_template="{{ candidate }}")
def train(candidate: str, data: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Train one candidate and log it with its metrics, confusion matrix and sample predictions."""
    from airflow.sdk import get_current_context
    from podium_demo import digits

    import podium

    assert params is not None
    get_current_context()["candidate"] = candidate  # the name of this mapped task in the grid
    with (
        TemporaryDirectory() as folder,
        podium.init(params["project"], registry=PodiumHook().registry) as run,
    ):
        run.use_artifact(data)
        run.log(digits.write_model(candidate, Path(folder)))
        model = podium.Artifact(digits.artifact_name(candidate), "model", metadata={"candidate": candidate})
        model.add_dir(folder)
        logged = run.log_artifact(model)
        return {"ref": logged.ref, "metrics": logged.metrics}


@task
def choose_best(trained: list[dict[str, Any]], params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Print the candidates side by side and return the one with the best metric."""
    assert params is not None
    versions = list(trained)
    best = max(versions, key=lambda version: version["metrics"][params["metric"]])
    for row in PodiumHook().registry.compare([version["ref"] for version in versions], baseline=best["ref"]).metrics:
        print(f"{row.name:>10}", *(f"{value:>10.4f}" for value in row.values if value is not None))
    print("  versions", *(version["ref"] for version in versions), "- best:", best["ref"])
    return best


@task
def set_policy(params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Say what a version must show for each stage; the same policy again changes nothing."""
    from podium_demo.checks import POLICY

    assert params is not None
    return PodiumHook().registry.set_policy(params["model"], POLICY, reason="As the code says.").to_json()


@dag(
    schedule=None,
    params=PARAMS,
    default_args={"retries": 1, "retry_delay": timedelta(seconds=10)},
    doc_md=__doc__,
    tags=["podium", "example"],
)
def train_and_promote() -> None:
    """Log the data, train, choose, link, test, promote."""
    trained = train.partial(data=log_data_set()).expand(candidate=list_candidates())
    best = choose_best(trained)
    link = LinkModelOperator(task_id="link", ref=best, model="{{ params.model }}", aliases=["candidate"])
    test = TestModelOperator(
        task_id="test", ref=link.output, checks="podium_demo.checks", champion="{{ params.champion }}"
    )
    reason = "The best of {{ params.candidates | join(', ') }} by {{ params.metric }}."
    stage = PromoteModelOperator(task_id="promote_to_staging", ref=link.output, to="staging", reason=reason)
    ship = PromoteModelOperator(task_id="promote", ref=link.output, to="{{ params.promote_to }}", reason=reason)
    link >> set_policy() >> test >> stage >> ship


train_and_promote()
