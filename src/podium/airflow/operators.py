"""The operators that log, link and test a model version. Each does one call and returns plain JSON.

A ``ref`` may be text, a template, or the output of another task: a reference, or the whole dict that one of these
operators returned. Pass ``link.output`` as it is; Airflow reads ``link.output["ref"]`` as the name of another XCom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator, Context

from podium.airflow.calls import Ref, ref_of, registry_of
from podium.airflow.hook import PodiumHook
from podium.domain.checks import TestReport


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
    """Run checks and suites of pytest on a version and record what came out.

    Args:
        ref: The version. Templated.
        checks: Where they are: ``module``, ``module:name``, ``path/to/file.py``, a folder, a list in YAML, or a
            built-in one such as ``max_size("100 MB")``; one or several. Templated.
        suite: Files or folders of pytest; every test of them becomes a check. Templated.
        pytest_options: Further options of pytest, such as ``["-k", "fast"]``. Templated.
        champion: The stage or alias whose holder the checks may compare with; None for no comparison. Templated.
        data: Name to a file, a folder or a reference; ``model_version.data`` of the checks. Templated.
        isolate: Run the checks in a process of their own; None to do so where there is a time limit, or all checks are
            named by where they are.
        timeout: Seconds that each check and each test may take.
        fail_on_error: Fail the task when a check of severity ``error`` failed. The results are recorded either way.
        podium_conn_id: The Airflow connection.

    Returns:
        The report as `podium.TestReport.to_json` gives it, and ``passed``.
    """

    __test__ = False  # the name is the field's own; pytest shall not collect it

    template_fields = ("ref", "checks", "suite", "pytest_options", "champion", "data")
    ui_color = "#fef7e0"

    def __init__(
        self,
        *,
        ref: Ref,
        checks: str | Sequence[str] = (),
        suite: str | Sequence[str] = (),
        pytest_options: Sequence[str] = (),
        champion: str | None = "production",
        data: Mapping[str, str] | None = None,
        isolate: bool | None = None,
        timeout: float | None = None,
        fail_on_error: bool = True,
        podium_conn_id: str = PodiumHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ref = ref
        self.checks = checks
        self.suite = suite
        self.pytest_options = pytest_options
        self.champion = champion
        self.data = data
        self.isolate = isolate
        self.timeout = timeout
        self.fail_on_error = fail_on_error
        self.podium_conn_id = podium_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the checks and return the report."""
        with registry_of(self.podium_conn_id) as registry:
            report = registry.test(
                ref_of(self.ref),
                self.checks,
                suite=self.suite,
                pytest_options=self.pytest_options,
                champion=self.champion,
                data=self.data,
                isolate=self.isolate,
                timeout=self.timeout,
                echo=lambda line: self.log.info("%s", line.rstrip()),
            )
        summary = _summary(report)
        self.log.info("%s", summary)
        if self.fail_on_error and not report.passed:
            raise AirflowFailException(summary)
        return {**report.to_json(), "passed": report.passed}


def _summary(report: TestReport) -> str:
    lines = [f"{len(report.results)} checks on {report.ref}, {len(report.failures)} failed."]
    lines += [f"  {result.status:7} {result.name}: {result.message or '-'}" for result in report.results]
    lines += [f"  not run {name}" for name in report.not_run]
    return "\n".join(lines)
