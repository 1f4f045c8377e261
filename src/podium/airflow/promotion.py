"""The operators that move stages: promote, roll back, demote. A promotion may wait for approvals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import AirflowSkipException, BaseOperator, Context

from podium.airflow.calls import Ref, answer_of, outcome_of, ref_of, registry_of
from podium.airflow.hook import PodiumHook
from podium.airflow.triggers import PromotionTrigger, decided_request
from podium.domain.transitions import Transition
from podium.usecases.aliases import UNSET, Expected


class PromoteModelOperator(BaseOperator):
    """Give a stage to a model version, if every gate lets it through.

    A refusal fails the task at once, without retries, with a sentence for each gate that failed. Where only approvals
    are missing, the task succeeds with ``status`` ``pending`` and nothing has moved; a retry, and a task that is
    cleared, finds the same request, and fails if people rejected or withdrew it meanwhile. They are asked again by the
    next DAG run, or by ``podium promote``, whose request a cleared task goes along with.

    Args:
        ref: The model version. Templated.
        to: The stage. Templated.
        reason: Why; needed with ``force``. Templated.
        expected: Compare-and-set: the version that must hold the stage now, None for nobody. Templated.
        force: Overrule gates that fail and do not wait for approvals.
        skip_if_unchanged: Skip this task, and what depends on it, when the version held the stage already.
        wait: Wait until people decided, in the triggerer, without a worker slot. Then the task succeeds only when the
            stage moved; a rejection fails it as a refusal does.
        wait_timeout: How long at most; then the task fails, and the request stays.
        poll_interval: Seconds between two looks at the registry.
        podium_conn_id: The Airflow connection.

    Returns:
        ``ref``, and the transition as `podium.Transition.to_json` gives it.
    """

    template_fields = ("ref", "to", "reason", "expected")
    ui_color = "#fce8e6"

    def __init__(
        self,
        *,
        ref: Ref,
        to: str,
        reason: str | None = None,
        expected: Expected = UNSET,
        force: bool = False,
        skip_if_unchanged: bool = False,
        wait: bool = False,
        wait_timeout: timedelta | None = None,
        poll_interval: float = 30.0,
        podium_conn_id: str = PodiumHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ref = ref
        self.to = to
        self.reason = reason
        self.expected = expected
        self.force = force
        self.skip_if_unchanged = skip_if_unchanged
        self.wait = wait
        self.wait_timeout = wait_timeout
        self.poll_interval = poll_interval
        self.podium_conn_id = podium_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Move the stage, or ask for it, and return the transition."""
        with registry_of(self.podium_conn_id) as registry:
            made = registry.promote(
                ref_of(self.ref), self.to, reason=self.reason, expected=self.expected, force=self.force
            )
        self.log.info("%s", _said(made))
        # A retry after its first attempt moved the stage is told changed=False as well; it must not skip what follows.
        if self.skip_if_unchanged and made.before == made.number:
            raise AirflowSkipException(f"{made.ref} held {made.stage!r} already.")
        if self.wait and made.status == "pending":
            self.defer(
                trigger=PromotionTrigger(made.id, self.podium_conn_id, self.poll_interval),
                method_name="execute_complete",
                timeout=self.wait_timeout,
            )
        return outcome_of(made, fail_on_reject=True)  # a cleared task is told what became of its request

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the transition after people decided."""
        return decided_request(self.podium_conn_id, event, fail_on_reject=True)


class RollbackModelOperator(BaseOperator):
    """Give a stage back to its previous holder, the newest one whose content still verifies.

    No gate is asked. A frozen stage goes back all the same, with a reason. One task instance rolls back at most once.

    Args:
        model: ``REGISTRY/MODEL``. Templated.
        stage: The stage. Templated.
        to: An earlier holder, such as ``v3``, in place of the previous one. Templated.
        reason: Why. Templated.
        podium_conn_id: The Airflow connection.

    Returns:
        ``ref`` of the holder now, and the transition as `podium.Transition.to_json` gives it.
    """

    template_fields = ("model", "stage", "to", "reason")
    ui_color = "#fce8e6"

    def __init__(
        self,
        *,
        model: str,
        stage: str = "production",
        to: str | int | None = None,
        reason: str | None = None,
        podium_conn_id: str = PodiumHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.stage = stage
        self.to = to
        self.reason = reason
        self.podium_conn_id = podium_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Roll back and return the transition."""
        with registry_of(self.podium_conn_id) as registry:
            made = registry.rollback(self.model, self.stage, to=self.to, reason=self.reason)
        self.log.info("%s went from v%s back to v%s", made.stage, made.before, made.number)
        return answer_of(made)


class DemoteModelOperator(BaseOperator):
    """Take a stage away from its holder, so that nobody holds it; a rollback brings it back.

    Args:
        model: ``REGISTRY/MODEL``. Templated.
        stage: The stage. Templated.
        reason: Why. Templated.
        expected: Compare-and-set: the version that must hold the stage now. Templated.
        podium_conn_id: The Airflow connection.

    Returns:
        ``ref`` of the version that held it, and the transition as `podium.Transition.to_json` gives it.
    """

    template_fields = ("model", "stage", "reason", "expected")
    ui_color = "#fce8e6"

    def __init__(
        self,
        *,
        model: str,
        stage: str,
        reason: str,
        expected: Expected = UNSET,
        podium_conn_id: str = PodiumHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.stage = stage
        self.reason = reason
        self.expected = expected
        self.podium_conn_id = podium_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Demote and return the transition."""
        with registry_of(self.podium_conn_id) as registry:
            made = registry.demote(self.model, self.stage, reason=self.reason, expected=self.expected)
        self.log.info("Nobody holds %r of %s now; %s did.", made.stage, made.collection, made.ref)
        return answer_of(made)


def _said(made: Transition) -> str:
    if made.status == "pending":
        return f"{made.ref} waits for {made.stage!r}, request {made.id}: {' '.join(made.waiting_for)}"
    if made.status == "committed":
        return f"{made.ref} holds {made.stage!r}{'' if made.changed else ' already'}"
    return f"{made.ref} for {made.stage!r} is {made.status}: {made.outcome}"
