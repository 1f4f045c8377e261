"""The sensor that waits until people decided about a promotion."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import BaseSensorOperator, Context, PokeReturnValue, conf

from podium.airflow.calls import Ref, committed, outcome_of, registry_of, request_of
from podium.airflow.hook import PodiumHook
from podium.airflow.triggers import PromotionTrigger, decided_request


class WaitForPromotionSensor(BaseSensorOperator):
    """Wait until a request for a promotion is committed, without holding a worker slot in between.

    It succeeds when the stage moved, wherever people approved it. A rejection skips it and what depends on it; a
    refusal by a gate, a withdrawal and an expiry fail it.

    Args:
        request: What a `PromoteModelOperator` or `ApproveModelOperator` returned, or the id of a request. Templated.
        fail_on_reject: Fail instead of skip when people reject it.
        deferrable: Wait in the triggerer; else, as Airflow's sensors do in mode ``reschedule``, in the scheduler. The
            default is Airflow's setting ``[operators] default_deferrable``.
        podium_conn_id: The Airflow connection.

    Returns:
        ``ref``, and the transition as `podium.Transition.to_json` gives it.
    """

    template_fields = ("request",)
    ui_color = "#fce8e6"

    def __init__(
        self,
        *,
        request: Ref,
        fail_on_reject: bool = False,
        deferrable: bool | None = None,
        podium_conn_id: str = PodiumHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("mode", "reschedule")
        super().__init__(**kwargs)
        self.request = request
        self.fail_on_reject = fail_on_reject
        if deferrable is None:
            deferrable = conf.getboolean("operators", "default_deferrable", fallback=False)
        self.deferrable = deferrable
        self.podium_conn_id = podium_conn_id

    def execute(self, context: Context) -> Any:
        """Look once, and go on waiting where it was told to."""
        if not self.deferrable:
            return super().execute(context)
        seen = self.poke(context)
        if seen.is_done:
            return seen.xcom_value
        trigger = PromotionTrigger(request_of(self.request), self.podium_conn_id, self.poke_interval)
        return self.defer(trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=self.timeout))

    def poke(self, context: Context) -> PokeReturnValue:
        """Look whether it is decided."""
        if done := committed(self.request):
            return PokeReturnValue(True, done)
        with registry_of(self.podium_conn_id) as registry:
            made = registry.transition(request_of(self.request))
        answer = outcome_of(made, fail_on_reject=self.fail_on_reject)
        self.log.info("%s for %r is %s. %s", made.ref, made.stage, made.status, " ".join(made.waiting_for))
        return PokeReturnValue(made.status == "committed", answer)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the transition after the trigger saw it decided."""
        return decided_request(self.podium_conn_id, event, fail_on_reject=self.fail_on_reject)
