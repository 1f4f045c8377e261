"""How Podium knows which task of which DAG run a call comes from.

The plugin host imports this module in every process that uses Podium, so it imports no Airflow: it only looks whether
this process runs a task already.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from podium.domain.automations import CHAIN, handed_back
from podium.domain.origin import Origin
from podium.plugins.actions import Action
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
        found = _running_task()
        return _origin_of(*found) if found is not None else None
    except Exception:  # noqa: BLE001 - an origin that cannot be told must not fail the change it belongs to
        _log.warning("The running Airflow task cannot be told.", exc_info=True)
        return None


@hookimpl
def podium_actions() -> Sequence[Action]:
    """Offer ``airflow.trigger_dag`` and ``airflow.asset_event``; see `podium.plugins.hookspecs`."""
    from podium.airflow.actions import AssetEventAction, TriggerDagAction

    return [TriggerDagAction(), AssetEventAction()]


@hookimpl
def podium_resolve_secret(scheme: str, name: str) -> str | None:
    """Look up ``airflow:CONN_ID`` and ``airflow:CONN_ID/FIELD``; see `podium.airflow.secrets`."""
    if scheme != "airflow":
        return None
    from podium.airflow.secrets import resolve

    return resolve(name)


def _running_task() -> tuple[Any, dict[str, Any]] | None:
    """Return the task instance that runs, and what an automation handed on to its DAG run."""
    from airflow.sdk import get_current_context

    try:
        context = get_current_context()
        return context["ti"], _handed_back(context.get("dag_run"))
    except (RuntimeError, KeyError):  # no task runs in this process now, or only a piece of a context is there
        return None


def _handed_back(dag_run: Any) -> dict[str, Any]:
    """Return the chain of the automations that led to a DAG run: by its conf, or by the events of assets.

    A run may answer several events of assets; its chain has the automations of all.
    """
    conf = getattr(dag_run, "conf", None)
    given = [conf.get("podium")] if isinstance(conf, Mapping) else []
    for event in getattr(dag_run, "consumed_asset_events", None) or ():
        extra = getattr(event, "extra", None)
        given += [extra.get("podium")] if isinstance(extra, Mapping) else []
    found: dict[str, Any] = {}
    for item in given:
        chain = found.get(CHAIN, [])
        found |= handed_back(item)
        found |= {CHAIN: list(dict.fromkeys([*chain, *found[CHAIN]]))} if CHAIN in found else {}
    return found


def _origin_of(instance: Any, handed_on: Mapping[str, Any]) -> Origin:
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
            **handed_on,
        },
    )


def _log_url(instance: Any) -> str | None:
    try:
        return str(instance.log_url)
    except Exception:  # noqa: BLE001 - it reads Airflow's configuration; identity and retry safety come without it
        return None
