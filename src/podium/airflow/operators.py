"""The operators: log, link, test and promote a model version. Each does one call and returns plain JSON.

A ``ref`` may be text, a template, or the output of another task: a reference, or the whole dict that one of these
operators returned. Pass ``link.output`` as it is; Airflow reads ``link.output["ref"]`` as the name of another XCom.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, BaseOperator, Context

from podium.airflow.hook import PodiumHook
from podium.domain.checks import TestReport
from podium.errors import InvalidValueError, PodiumError
from podium.registry import Registry
from podium.usecases.aliases import UNSET, Expected

Ref = str | Mapping[str, Any]


class LogModelOperator(BaseOperator):
    """Log files as a version of an artifact, from a run of its own.

    A retry, a cleared task or another DAG run that logs the same files gets the version that is there (``created`` is
    False in what it returns).

    Args:
        artifact: ``PROJECT/ARTIFACT``; both are made if new. Templated.
        files: A file or folder on the worker, several, or a mapping of paths in the artifact to files. Templated.
        type: ``model``, ``dataset``, or any word.
        metadata: Anything that JSON can hold. Templated.
        metrics: Names to numbers; kept with the run and the version. Templated.
        description: Free text. Templated.
        aliases: Aliases that the version shall hold; ``latest`` comes by itself. Templated.
        uses: References of what it was made from; they become inputs of the run. Templated.
        podium_conn_id: The Airflow connection.

    Returns:
        The version as `podium.Version.to_json` gives it.
    """

    template_fields = ("artifact", "files", "metadata", "metrics", "description", "aliases", "uses")
    template_fields_renderers = {"metadata": "json", "metrics": "json"}  # noqa: RUF012 - Airflow reads it off the class
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        artifact: str,
        files: str | Sequence[str] | Mapping[str, str],
        type: str = "model",
        metadata: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
        description: str | None = None,
        aliases: Sequence[str] = (),
        uses: Sequence[Ref] = (),
        podium_conn_id: str = PodiumHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.artifact = artifact
        self.files = files
        self.type = type
        self.metadata = metadata
        self.metrics = metrics
        self.description = description
        self.aliases = aliases
        self.uses = uses
        self.podium_conn_id = podium_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Log the files and return the version."""
        with registry_of(self.podium_conn_id) as registry:
            version = registry.log_in_run(
                self.artifact,
                self.files,
                type=self.type,
                metadata=self.metadata,
                description=self.description,
                aliases=self.aliases,
                metrics=self.metrics,
                uses=[ref_of(used) for used in self.uses],
                job_type=self.task_id,
            )
            self.log.info("%s is %s (%s)", version.ref, "new" if version.created else "known", version.digest)
            return version.to_json()


class LinkModelOperator(BaseOperator):
    """Link a version into a registered model; linking it again changes nothing.

    Args:
        ref: The version, ``PROJECT/ARTIFACT[:vN|:alias]``. Templated.
        model: ``REGISTRY/MODEL``; made by its first link. Templated.
        aliases: Aliases that it shall hold there. Templated.
        podium_conn_id: The Airflow connection.

    Returns:
        The model version as `podium.Version.to_json` gives it.
    """

    template_fields = ("ref", "model", "aliases")
    ui_color = "#e6f4ea"

    def __init__(
        self,
        *,
        ref: Ref,
        model: str,
        aliases: Sequence[str] = (),
        podium_conn_id: str = PodiumHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ref = ref
        self.model = model
        self.aliases = aliases
        self.podium_conn_id = podium_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Link the version and return the model version."""
        with registry_of(self.podium_conn_id) as registry:
            version = registry.link(ref_of(self.ref), self.model, self.aliases)
            self.log.info("%s is %s (%s)", version.source, version.ref, "new" if version.created else "known")
            return version.to_json()


class TestModelOperator(BaseOperator):
    """Run checks on a version and record what came out.

    Args:
        ref: The version. Templated.
        checks: Where they are: ``module``, ``module:name`` or ``path/to/file.py``, one or several. Templated.
        champion: The stage or alias whose holder the checks may compare with; None for no comparison. Templated.
        fail_on_error: Fail the task when a check of severity ``error`` failed. The results are recorded either way.
        podium_conn_id: The Airflow connection.

    Returns:
        The report as `podium.TestReport.to_json` gives it, and ``passed``.
    """

    __test__ = False  # the name is the field's own; pytest shall not collect it

    template_fields = ("ref", "checks", "champion")
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        ref: Ref,
        checks: str | Sequence[str],
        champion: str | None = "production",
        fail_on_error: bool = True,
        podium_conn_id: str = PodiumHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ref = ref
        self.checks = checks
        self.champion = champion
        self.fail_on_error = fail_on_error
        self.podium_conn_id = podium_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the checks and return the report."""
        with registry_of(self.podium_conn_id) as registry:
            report = registry.test(ref_of(self.ref), self.checks, champion=self.champion)
        summary = _summary(report)
        self.log.info("%s", summary)
        if self.fail_on_error and not report.passed:
            raise AirflowFailException(summary)
        return {**report.to_json(), "passed": report.passed}


class PromoteModelOperator(BaseOperator):
    """Give a stage to a model version, if every gate lets it through.

    A refusal fails the task at once, without retries, with a sentence for each gate that failed.

    Args:
        ref: The model version. Templated.
        to: The stage. Templated.
        reason: Why. Templated.
        expected: Compare-and-set: the version that must hold the stage now, None for nobody. Templated.
        skip_if_unchanged: Skip this task, and what depends on it, when the version held the stage already.
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
        skip_if_unchanged: bool = False,
        podium_conn_id: str = PodiumHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ref = ref
        self.to = to
        self.reason = reason
        self.expected = expected
        self.skip_if_unchanged = skip_if_unchanged
        self.podium_conn_id = podium_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Move the stage and return the transition."""
        with registry_of(self.podium_conn_id) as registry:
            made = registry.promote(ref_of(self.ref), self.to, reason=self.reason, expected=self.expected)
        ref = f"{made.collection}:v{made.number}"
        self.log.info("%s holds %r%s", ref, made.stage, "" if made.changed else " already")
        # A retry after its first attempt moved the stage is told changed=False as well; it must not skip what follows.
        if self.skip_if_unchanged and made.before == made.number:
            raise AirflowSkipException(f"{ref} held {made.stage!r} already.")
        return {"ref": ref, **made.to_json()}


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


def _summary(report: TestReport) -> str:
    failed = sum(1 for result in report.results if not result.passed and result.status != "skipped")
    lines = [f"{len(report.results)} checks on {report.ref}, {failed} failed."]
    lines += [f"  {result.status:7} {result.name}: {result.message or '-'}" for result in report.results]
    return "\n".join(lines)
