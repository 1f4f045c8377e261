"""Show that a gate refuses the wrong model, and that production goes back in one call.

    airflow dags test refuse_and_roll_back

Run ``train_and_promote`` first: this DAG links its weakest candidate, tests it, is refused, and rolls back. Which gates
refused, and in which words, is what the task ``promotion_is_refused`` returns: it was never in staging, a check failed,
and the rule ``accuracy >= production.accuracy - 0.005`` of the policy does not hold.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from podium.airflow import LinkModelOperator, PodiumHook, TestModelOperator

PARAMS = {
    "project": Param("digits", type="string", description="The project that the candidate was logged to."),
    "model": Param("model-registry/Digits classifier", type="string", description="The registered model."),
    "candidate": Param("naive-bayes", type="string", description="The artifact that must not be promoted."),
    "stage": Param("production", type="string", description="The stage that is refused, and rolled back."),
}


@task
def promotion_is_refused(linked: dict[str, Any], params: dict[str, Any] | None = None) -> list[str]:
    """Ask for the promotion and return why it was refused; a promotion that goes through fails this task."""
    from podium import PromotionRefusedError

    assert params is not None
    try:
        PodiumHook().registry.promote(linked["ref"], params["stage"], reason="To show that the gates hold.")
    except PromotionRefusedError as refusal:
        print(*refusal.reasons, sep="\n")
        return list(refusal.reasons)
    raise AirflowFailException(f"{linked['ref']} was promoted to {params['stage']}, and should not have been.")


@task
def roll_back(params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Give the stage back to its previous holder, or skip when nobody held it before."""
    from podium import NotFoundError

    assert params is not None
    try:
        made = PodiumHook().registry.rollback(params["model"], params["stage"], reason="To show a rollback.")
    except NotFoundError as nothing:
        raise AirflowSkipException(str(nothing)) from nothing
    print(f"{made.collection}: {made.stage} went from v{made.before} back to v{made.number}")
    return made.to_json()


@dag(schedule=None, params=PARAMS, doc_md=__doc__, tags=["podium", "example"])
def refuse_and_roll_back() -> None:
    """Link the weakest candidate, test it, be refused, roll back."""
    link = LinkModelOperator(
        task_id="link", ref="{{ params.project }}/{{ params.candidate }}", model="{{ params.model }}"
    )
    # The checks fail here, and shall: a promotion is refused by what they recorded, not by this task.
    test = TestModelOperator(
        task_id="test",
        ref=link.output,
        checks="podium_demo.checks",
        champion="{{ params.stage }}",
        fail_on_error=False,
    )
    refused = promotion_is_refused(link.output)
    test >> refused >> roll_back()


refuse_and_roll_back()
