"""Three ways to wait for the same request without a worker: in the promotion, in the triggerer, in the scheduler."""

from __future__ import annotations

from airflow.sdk import dag

from podium.airflow import PromoteModelOperator, WaitForPromotionSensor


@dag(schedule=None, params={"request": "", "ref": ""}, default_args={"retries": 1})
def waiting() -> None:
    PromoteModelOperator(task_id="promote", ref="{{ params.ref }}", to="production", wait=True, poll_interval=2)
    WaitForPromotionSensor(task_id="deferring", request="{{ params.request }}", deferrable=True, poke_interval=2)
    WaitForPromotionSensor(task_id="rescheduled", request="{{ params.request }}", poke_interval=10)


waiting()
