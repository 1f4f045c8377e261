"""What every operator does around its one call: open the registry, read references, say how a request ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from podium.airflow.hook import PodiumHook
from podium.domain.transitions import Transition
from podium.errors import InvalidValueError, PodiumError
from podium.registry import Registry

Ref = str | Mapping[str, Any]


@contextmanager
def registry_of(podium_conn_id: str) -> Iterator[Registry]:
    """Open a registry for one task: errors become Airflow's, and messages get a moment to leave.

    Raises:
        AirflowFailException: The same call would fail again, so Airflow shall not retry.
        PodiumError: It is retryable; Airflow retries as the task says.
    """
    hook = PodiumHook(podium_conn_id)
    try:
        yield hook.registry
    except PodiumError as error:
        if error.retryable:
            raise
        raise AirflowFailException(str(error)) from error
    finally:
        if "registry" in hook.__dict__:
            hook.registry.close()  # Airflow ends a task's process without running what waits for its exit


def ref_of(value: Ref) -> str:
    """Return the reference in a text, or in the dict that a task returned.

    Raises:
        InvalidValueError: There is none.
    """
    ref = value.get("ref") if isinstance(value, Mapping) else value
    if not isinstance(ref, str):
        raise InvalidValueError(
            f"{value!r} names no version.", hint="Pass a reference, or what a Podium task returned."
        )
    return ref


def request_of(value: Ref) -> str:
    """Return the id of the request in a text, or in the dict that a task returned.

    Raises:
        InvalidValueError: There is none.
    """
    request = value.get("id") if isinstance(value, Mapping) else value
    if not isinstance(request, str):
        raise InvalidValueError(
            f"{value!r} names no request.", hint="Pass the id of one, or what a PromoteModelOperator returned."
        )
    return request


def committed(request: Ref) -> dict[str, Any] | None:
    """Return what a task returned if the stage moved, or was held already: of the latter there is no request to ask."""
    if isinstance(request, Mapping) and request.get("status") == "committed":
        return dict(request)
    return None


def answer_of(made: Transition) -> dict[str, Any]:
    """Return a transition as plain JSON, with the reference of its version."""
    return {"ref": made.ref, **made.to_json()}


def outcome_of(made: Transition, *, fail_on_reject: bool) -> dict[str, Any]:
    """Return a request that waits or was committed.

    Raises:
        AirflowFailException: It was refused or cancelled; or rejected, with ``fail_on_reject``.
        AirflowSkipException: It was rejected.
    """
    if made.status in ("pending", "committed"):
        return answer_of(made)
    text = f"{made.ref} does not get {made.stage!r}, the request is {made.status}: {made.outcome or '-'}"
    if made.status == "rejected" and not fail_on_reject:
        raise AirflowSkipException(text)
    raise AirflowFailException(" ".join([text, *made.reasons]))
