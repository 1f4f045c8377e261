"""Tasks whose first attempt dies after its commit, so that the second one repeats what is done already."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import dag, task

from podium.airflow import LinkModelOperator, LogModelOperator, PodiumHook, PromoteModelOperator


class _Dies:
    def execute(self, context: Any) -> Any:
        done = super().execute(context)
        if context["ti"].try_number == 1:
            raise RuntimeError("the worker died after the commit")
        return done


class LogAndDie(_Dies, LogModelOperator):
    pass


class LinkAndDie(_Dies, LinkModelOperator):
    pass


class PromoteAndDie(_Dies, PromoteModelOperator):
    pass


@task
def write(params: dict | None = None) -> list[str]:
    paths = [Path(params["folder"]) / f"{index}.txt" for index in range(3)]
    for path in paths:
        path.write_text(path.stem)
    return [str(path) for path in paths]


@task
def overtake(linked: dict) -> str:
    """What somebody else does between two attempts is not undone by the second one."""
    return PodiumHook().registry.promote(linked["ref"], "staging").stage


@dag(schedule=None, params={"folder": "/tmp"}, default_args={"retries": 1, "retry_delay": timedelta(0)}, catchup=False)
def retried() -> None:
    logged = LogAndDie.partial(task_id="log", artifact="subjects/retried").expand(files=write())
    link = LinkAndDie(task_id="link", ref="subjects/retried:v0", model="model-registry/Retried")
    promote = PromoteAndDie(task_id="promote", ref=link.output, to="production", skip_if_unchanged=True)
    logged >> link >> promote >> overtake(link.output)


retried()
