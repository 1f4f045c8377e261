"""Every operator once, on a file of a few bytes: written, logged, linked, tested, promoted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.sdk import Param, dag, task

from podium.airflow import LinkModelOperator, LogModelOperator, PromoteModelOperator, TestModelOperator

CHECKS = str(Path(__file__).parents[1] / "size_checks.py")


@task
def write(params: dict | None = None) -> str:
    path = Path(params["folder"]) / "weights.txt"
    path.write_text(params["text"])
    return str(path)


@dag(
    schedule=None,
    params={"folder": "/tmp", "text": Param("weights", type="string"), "conn": "podium_default"},
    default_args={"retries": 1, "retry_delay": timedelta(0)},
)
def small() -> None:
    log = LogModelOperator(
        task_id="log",
        artifact="subjects/{{ dag.dag_id }}",
        files=write(),
        metadata={"text": "{{ params.text }}"},
        metrics={"accuracy": 0.9},
        aliases=["candidate"],
    )
    link = LinkModelOperator(task_id="link", ref=log.output, model="model-registry/Small", aliases=["newest"])
    test = TestModelOperator(task_id="test", ref="{{ ti.xcom_pull('link')['ref'] }}", checks=CHECKS)
    link >> test >> PromoteModelOperator(task_id="promote", ref=link.output, to="production", reason="Tested.")


small()
