"""The trigger that waits in the triggerer until a request for a promotion is decided."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.triggers.base import BaseTrigger, TriggerEvent

from podium.airflow.calls import outcome_of, registry_of
from podium.airflow.hook import PodiumHook
from podium.errors import PodiumError


class PromotionTrigger(BaseTrigger):
    """Fires when a request no longer waits, whoever decided it and wherever.

    Args:
        request: The id of the request.
        podium_conn_id: The Airflow connection; only its name is stored.
        poll_interval: Seconds between two looks.
    """

    def __init__(self, request: str, podium_conn_id: str, poll_interval: float = 30.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's own
        self.request = request
        self.podium_conn_id = podium_conn_id
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and its arguments, as the triggerer makes it anew."""
        fields = {
            "request": self.request,
            "podium_conn_id": self.podium_conn_id,
            "poll_interval": self.poll_interval,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", fields

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look again and again, and fire once."""
        seen = await self._decided()  # the registry is closed by then: the loop may end at the yield
        yield TriggerEvent(seen)  # type: ignore[no-untyped-call]  # Airflow's own

    async def _decided(self) -> dict[str, Any]:
        registry = await PodiumHook(self.podium_conn_id).open_async()
        try:
            while True:
                try:
                    # In a thread: the registry blocks, and one blocked trigger holds up all others.
                    made = await asyncio.to_thread(registry.transition, self.request)
                except PodiumError as error:
                    if not error.retryable:
                        return {"request": self.request, "error": str(error)}
                    # A trigger that raises is not tried again; a database that restarts is no reason to fail the task.
                    self.log.warning("Podium cannot be asked now: %s", error)
                else:
                    if made.status != "pending":
                        return {"request": self.request, "status": made.status}
                await asyncio.sleep(self.poll_interval)
        finally:
            await asyncio.to_thread(registry.close)


def decided_request(podium_conn_id: str, event: Mapping[str, Any], *, fail_on_reject: bool) -> dict[str, Any]:
    """Return what a trigger saw, read anew from the registry.

    Raises:
        AirflowFailException, AirflowSkipException: As `outcome_of`; also when the trigger could not find out.
    """
    if event.get("error"):
        raise AirflowFailException(str(event["error"]))
    with registry_of(podium_conn_id) as registry:
        made = registry.transition(str(event["request"]))
    return outcome_of(made, fail_on_reject=fail_on_reject)
