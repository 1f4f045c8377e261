"""The plugin: tells the core which Prefect run a call comes from.

It is loaded in every process that uses Podium, also where Prefect is not in use or not even installed: it asks only
for a Prefect that this process has imported already, and imports none.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from podium.domain.automations import CHAIN, handed_back
from podium.plugins import Origin, hookimpl
from podium.plugins.actions import Action
from podium.prefect import identity


@hookimpl
def podium_origin() -> Origin | None:
    """Return the flow run and task run that this call is made in, or None; see `podium.plugins.hookspecs`."""
    context = sys.modules.get("prefect.context")
    if context is None or not hasattr(context, "TaskRunContext"):  # it may be half imported, in another thread
        return None
    flow, task = context.FlowRunContext.get(), context.TaskRunContext.get()
    flow_run = flow.flow_run if flow is not None else None
    if task is not None and flow_run is not None and task.task_run.flow_run_id != flow_run.id:
        task = None  # a subflow inside a task: the call is made by the subflow
    if task is None and flow_run is None:
        return None
    return Origin("prefect", _label(flow, task), _url(flow_run, task), _identity(flow_run, task), _details(flow, task))


@hookimpl
def podium_actions() -> Sequence[Action]:
    """Offer ``prefect.run_deployment`` and ``prefect.emit_event``; see `podium.plugins.hookspecs`."""
    from podium.prefect.actions import EmitEventAction, RunDeploymentAction

    return [RunDeploymentAction(), EmitEventAction()]


@hookimpl
def podium_resolve_secret(scheme: str, name: str) -> str | None:
    """Look up ``prefect:TYPE/NAME`` and ``prefect:TYPE/NAME/FIELD``; see `podium.prefect.secrets`."""
    if scheme != "prefect":
        return None
    from podium.prefect.secrets import resolve

    return resolve(name)


def _label(flow: Any, task: Any) -> str:
    parts = [f"flow {flow.flow.name}"] if flow is not None and flow.flow is not None else []
    return " · ".join([*parts, *([f"task {task.task.name}"] if task is not None else [])]) or "flow"


def _url(flow_run: Any, task: Any) -> str | None:
    """Return the page of the flow run; None if neither PREFECT_UI_URL nor PREFECT_API_URL says where it is."""
    from prefect.utilities.urls import url_for

    run = flow_run.id if flow_run is not None else task.task_run.flow_run_id
    return url_for("flow-run", obj_id=run) if run is not None else None


def _identity(flow_run: Any, task: Any) -> str | None:
    if task is None:
        return f"prefect:{flow_run.id}/flow"
    run = task.task_run
    if run.flow_run_id is None:  # a task that runs outside a flow has nothing that a later attempt could share
        return None
    names = _NAMING if getattr(task.task.fn, "__module__", "") in _OWN else None
    inputs = {name: value for name, value in task.parameters.items() if names is None or name in names}
    call = identity.Call(str(run.flow_run_id), run.flow_run_run_count, run.task_key, str(run.id))
    return f"prefect:{run.flow_run_id}/{run.task_key}/{identity.call_key(call, inputs)}"


_OWN = ("podium.prefect.tasks", "podium.prefect.promotion")
# What Podium's own tasks are about. Their other parameters are measured or made anew by each attempt.
_NAMING = frozenset({"artifact", "ref", "model", "to", "stage"})


def _details(flow: Any, task: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if flow is not None and flow.flow is not None:
        found["flow"] = flow.flow.name
    if flow is not None and flow.flow_run is not None:
        run = flow.flow_run
        found |= {"flow_run_id": run.id, "flow_run_name": run.name, "flow_run_count": run.run_count}
        found |= {"deployment_id": run.deployment_id, **_handed_back(run)}
    if task is not None:
        run = task.task_run
        found |= {"flow_run_id": run.flow_run_id, "task_run_id": run.id, "task_run_name": run.name}
        found |= {"task_name": task.task.name, "task_key": run.task_key, "run_count": run.run_count}
    known = {key: value for key, value in found.items() if value is not None}
    return {key: value if isinstance(value, int) or key == CHAIN else str(value) for key, value in known.items()}


def _handed_back(run: Any) -> dict[str, Any]:
    """Return the chain of the automations that led to a flow run.

    It is in the labels that ``prefect.run_deployment`` gave it, or in a parameter ``podium``, by which an automation of
    Prefect's own can hand on what an event of ``prefect.emit_event`` has in its payload.
    """
    labels = getattr(run, "labels", None) or {}
    given = {key: labels[f"podium.{key}"] for key in ("automation", "event", CHAIN) if f"podium.{key}" in labels}
    parameters = getattr(run, "parameters", None)
    other = parameters.get("podium") if isinstance(parameters, Mapping) else None
    return handed_back(given) or handed_back(other)
