"""Tasks that fail: by a gate, by a check, by a name that is wrong, by a database that is away."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.sdk import dag

from podium.airflow import LinkModelOperator, PromoteModelOperator, TestModelOperator

CHECKS = str(Path(__file__).parents[1] / "size_checks.py")


@dag(schedule=None, params={"ref": ""}, default_args={"retries": 2, "retry_delay": timedelta(0)})
def failing() -> None:
    PromoteModelOperator(task_id="refused", ref="{{ params.ref }}", to="production")
    TestModelOperator(task_id="tested", ref="{{ params.ref }}", checks=f"{CHECKS}:empty")
    LinkModelOperator(task_id="unknown", ref="subjects/nothing:v7", model="model-registry/Nothing")
    LinkModelOperator(
        task_id="away", ref="{{ params.ref }}", model="model-registry/Nothing", podium_conn_id="podium_away"
    )


failing()
