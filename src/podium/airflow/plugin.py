"""How Podium knows which task of which DAG run a call comes from.

The plugin host imports this module in every process that uses Podium, so it imports no Airflow: it only looks whether
this process runs a task already.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from podium.domain.origin import Origin
from podium.plugins.hookspecs import hookimpl

# The module that puts a task's context in place; without it in memory there is no task here.
_CONTEXT_MODULE = "airflow.sdk.execution_time.context"
_log = logging.getLogger("podium.airflow")


@hookimpl
def podium_origin() -> Origin | None:
    """Return the running task instance as an origin, or None outside an Airflow task."""
    if _CONTEXT_MODULE not in sys.modules:
        return None
    try:
        instance = _running_task_instance()
        return _origin_of(instance) if instance is not None else None
    except Exception:  # noqa: BLE001 - an origin that cannot be told must not fail the change it belongs to
        _log.warning("The running Airflow task cannot be told.", exc_info=True)
        return None


def _running_task_instance() -> Any:
    from airflow.sdk import get_current_context

    try:
        return get_current_context()["ti"]
    except (RuntimeError, KeyError):  # no task runs in this process now, or only a piece of a context is there
        return None


def _origin_of(instance: Any) -> Origin:
    index = -1 if instance.map_index is None else int(instance.map_index)
    mapped = f" [{index}]" if index >= 0 else ""
    url = _log_url(instance)
    return Origin(
        kind="airflow",
        label=f"DAG {instance.dag_id} · task {instance.task_id}{mapped}",
        url=url,
        # Without the number of the try: this is what a retry and a cleared task have in common with the first attempt.
        identity=f"airflow:{instance.dag_id}/{instance.run_id}/{instance.task_id}/{index}",
        details={
            "dag_id": instance.dag_id,
            "run_id": instance.run_id,
            "task_id": instance.task_id,
            "map_index": index,
            "try_number": instance.try_number,
            "log_url": url,
        },
    )


def _log_url(instance: Any) -> str | None:
    try:
        return str(instance.log_url)
    except Exception:  # noqa: BLE001 - it reads Airflow's configuration; identity and retry safety come without it
        return None
