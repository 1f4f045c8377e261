"""The bridge from Airflow's approvals to Podium's: a person answers in Airflow, and it is on record in the registry."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, Context, Param
from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator

from podium.airflow.calls import Ref, answer_of, committed, outcome_of, registry_of, request_of
from podium.airflow.hook import PodiumHook
from podium.domain.transitions import Transition
from podium.errors import ConflictError
from podium.registry import Registry
from podium.reports.promotions import promotion_markdown

_COMMENT = "comment"
_NO_COMMENT = "Rejected in Airflow, without a comment."


class ApproveModelOperator(ApprovalOperator):
    """Ask a person in Airflow about a promotion that waits, and record the answer in the registry in their name.

    Airflow says who answered, the policy of the registry says whether that person may; where not, the task fails with
    the reason, the request stays as it was, and clearing the task asks again. It asks one person: where a policy wants
    two, use two of these tasks, or let others approve with ``podium approve`` and wait with a `WaitForPromotionSensor`.

    What was decided elsewhere by then counts: nobody is asked about a request that waits no more, and a late answer to
    one changes nothing. A rejection skips what depends on this task. Without an answer in ``response_timeout`` the task
    fails, and the request stays.

    Args:
        request: What a `PromoteModelOperator` returned, or the id of a request. Templated.
        subject: The headline; names version and stage if left out. Templated.
        body: Markdown; the verdict of each gate if left out. Templated.
        params: More fields of the form, beside ``comment``.
        podium_conn_id: The Airflow connection.
        **kwargs: As for Airflow's ``ApprovalOperator``: ``response_timeout``, ``assigned_users``, ``notifiers``,
            ``fail_on_reject``, ... but not ``defaults``: nobody approves by not answering.

    Returns:
        ``ref``, and the transition as `podium.Transition.to_json` gives it: ``pending`` where others are missing.
    """

    template_fields = ("request", *ApprovalOperator.template_fields)
    ui_color = "#fce8e6"

    def __init__(
        self,
        *,
        request: Ref,
        subject: str = "",
        body: str | None = None,
        params: dict[str, Any] | None = None,
        podium_conn_id: str = PodiumHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("defaults") is not None:
            raise ValueError("An approval has no default answer: leave 'defaults' out.")
        super().__init__(subject=subject, body=body, params=params, **kwargs)
        # Only here: what Airflow hands over as params holds those of the DAG, too, and the parent has taken them out.
        if _COMMENT not in self.params:
            hint = "To reject, say what is wrong."
            self.params[_COMMENT] = Param("", type=["string", "null"], title="Comment", description=hint)
        self.request = request
        self.podium_conn_id = podium_conn_id

    def execute(self, context: Context) -> Any:
        """Put the question, unless it is answered already."""
        if done := committed(self.request):
            return done
        made = self._look()
        if made.status != "pending":
            return self._go_on(context, made)
        self.subject = self.subject or f"Promote {made.ref} to {made.stage}?"
        self.body = self.body or promotion_markdown(made)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Record what the person said and go on by what became of the request."""
        if event.get("error_type") == "timeout":
            made = self._look()
            if made.status != "pending":
                return self._go_on(context, made)
        answer = HITLOperator.execute_complete(self, context, event)
        user = answer["responded_by_user"]
        if not user:
            raise AirflowFailException("Airflow does not say who answered, so nothing is recorded.")
        approved = answer["chosen_options"] == [self.APPROVE]
        comment = str(answer["params_input"].get(_COMMENT) or "").strip()
        with registry_of(self.podium_conn_id) as registry:
            made = self._record(registry, user["name"] or user["id"], comment, approved=approved)
        self.hitl_summary_extra["approved"] = approved
        return self._go_on(context, made)

    def _record(self, registry: Registry, person: str, comment: str, *, approved: bool) -> Transition:
        request = request_of(self.request)
        try:
            if approved:
                return registry.approve(request, comment=comment or None, on_behalf_of=person)
            return registry.reject(request, comment or _NO_COMMENT, on_behalf_of=person)
        except ConflictError as late:
            made = registry.transition(request)
            if made.status == "pending":
                raise  # it is about something else, and may pass
            self.log.warning("What %s said came too late. %s", person, late)
            if made.status == "committed" and not approved:
                raise AirflowFailException(
                    f"{person} rejected {made.ref}, but it holds {made.stage!r} already: {made.outcome} "
                    f"A rollback takes it back."
                ) from late
            return made

    def _look(self) -> Transition:
        with registry_of(self.podium_conn_id) as registry:
            return registry.transition(request_of(self.request))

    def _go_on(self, context: Context, made: Transition) -> dict[str, Any]:
        """Succeed, fail, or skip what follows, as the request stands."""
        waiting = " ".join(made.waiting_for) if made.status == "pending" else made.outcome
        self.log.info("%s for %r is %s. %s", made.ref, made.stage, made.status, waiting or "")
        if made.status != "rejected" or self.fail_on_reject:
            return outcome_of(made, fail_on_reject=True)
        if self.downstream_task_ids:
            everything = self.ignore_downstream_trigger_rules
            following = self.get_flat_relatives() if everything else self.get_direct_relatives()
            self.skip(ti=context["ti"], tasks=[task for task in following if not task.is_teardown])
        return answer_of(made)
