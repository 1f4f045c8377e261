"""What automations start: a DAG by its id, and one by an event of an asset. Both change the registry in their turn."""

from __future__ import annotations

from airflow.sdk import Asset, dag, task

from podium.airflow import PodiumHook, PromoteModelOperator


@dag(schedule=None, params={"ref": ""})
def started() -> None:
    PromoteModelOperator(task_id="promote", ref="{{ params.ref }}", to="production", reason="Started by an automation.")


@dag(schedule=[Asset("x-podium://announced")])
def announced() -> None:
    @task
    def mark(triggering_asset_events: dict | None = None) -> None:
        (events,) = triggering_asset_events.values()
        registry = PodiumHook().registry
        registry.set_alias(events[0].extra["ref"], "announced")
        registry.close()

    mark()


started()
announced()
