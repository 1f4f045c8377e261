"""The tasks that log, link and test. Each is thin: it finds the registry, calls its verb, and returns what came out.

They are never answered from Prefect's cache: promoting v2, v3 and v2 again are three promotions. Running one again is
harmless, because the registry knows the version, link or transition that the earlier attempt left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import exponential_backoff

from podium.checks.plan import StrPath
from podium.domain.checks import TestReport
from podium.errors import PodiumError
from podium.prefect.connection import shared_registry
from podium.prefect.results import ChecksFailedError, ModelResult
from podium.registry.artifacts import Files
from podium.registry.testing import Checks

Ref = str | ModelResult

__all__ = ["link_model", "log_model", "test_model"]


def _transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether another attempt may succeed: a refusal or a wrong name stays what it is."""
    return isinstance(state.data, PodiumError) and state.data.retryable


OPTIONS: dict[str, Any] = {
    "cache_policy": NO_CACHE,
    "retries": 2,
    "retry_delay_seconds": exponential_backoff(0.5),
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": _transient,
}


@task(name="Log model", task_run_name="log {artifact}", **OPTIONS)
def log_model(
    artifact: str,
    files: Files,
    *,
    type: str = "model",
    metadata: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    description: str | None = None,
    aliases: Iterable[str] = (),
    uses: Iterable[Ref] = (),
) -> ModelResult:
    """Log files as a version of an artifact, in a run of its own.

    Args:
        artifact: ``PROJECT/ARTIFACT``; both are made if new.
        files: A file, a folder, several of them, or a mapping of paths inside the artifact to local files.
        type: ``model``, ``dataset``, or any word.
        metadata: Anything that JSON can hold.
        metrics: Names to numbers; nested dicts are flattened with dots.
        description: Free text.
        aliases: Aliases that the version shall hold; ``latest`` comes by itself.
        uses: Versions that it was made from, for the lineage.

    Returns:
        The version; ``created`` is False if the artifact has one with the same files.

    Raises:
        PodiumError: As `Registry.log`; the run is marked as failed.
    """
    with shared_registry() as registry:
        version = registry.log_in_run(
            artifact,
            files,
            type=type,
            metadata=metadata,
            description=description,
            aliases=aliases,
            metrics=metrics,
            uses=[str(used) for used in uses],
        )
    return ModelResult.of(version)


@task(name="Link model", task_run_name="link {ref}", **OPTIONS)
def link_model(ref: Ref, model: str, aliases: Iterable[str] = ()) -> ModelResult:
    """Link a version into a registered model; linking it again changes nothing.

    Args:
        ref: The version: ``PROJECT/ARTIFACT[:vN|:alias]``, or what `log_model` returned.
        model: ``REGISTRY/MODEL``; made by its first link.
        aliases: Aliases that it shall hold there.

    Returns:
        The model version, with a number of its own; ``created`` says whether this call linked it.

    Raises:
        PodiumError: As `Registry.link`.
    """
    with shared_registry() as registry:
        version = registry.link(str(ref), model, aliases)
    return ModelResult.of(version)


@task(name="Test model", task_run_name="test {ref}", **OPTIONS)
def test_model(
    ref: Ref,
    checks: Checks | Iterable[Checks] = (),  # noqa: PT028 - no test of pytest, whatever its name says
    champion: str | None = "production",  # noqa: PT028
    raise_on_failure: bool = True,  # noqa: PT028
    *,
    suite: StrPath | Sequence[StrPath] = (),  # noqa: PT028
    pytest_options: Sequence[str] = (),  # noqa: PT028
    data: Mapping[str, StrPath] | None = None,  # noqa: PT028
    isolate: bool | None = None,  # noqa: PT028
    timeout: float | None = None,  # noqa: PT028
) -> ModelResult:
    """Run checks and suites of pytest on a version and record what came out.

    Args:
        ref: The version.
        checks: Check functions, or where they are: ``module``, ``module:name``, ``path/to/file.py``, a folder, a list
            in YAML, or a built-in check such as ``max_size("100 MB")``.
        champion: The stage or alias whose holder the checks may compare with; None for no comparison.
        raise_on_failure: Whether a failed check fails the task, too.
        suite: Files or folders of pytest; every test of them becomes a check.
        pytest_options: Further options of pytest, such as ``["-k", "fast"]``.
        data: Name to a file, a folder or a reference; ``model_version.data`` of the checks.
        isolate: Run the checks in a process of their own; None to do so where there is a time limit, or all checks are
            named by where they are.
        timeout: Seconds that each check and each test may take.

    Returns:
        The report; ``passed`` says whether all is well, ``results`` has one item per check.

    Raises:
        ChecksFailedError: A check failed. It is on record, and the task is not retried.
        PodiumError: As `Registry.test`.
    """
    with shared_registry() as registry:
        report = registry.test(
            str(ref),
            checks,
            suite=suite,
            pytest_options=pytest_options,
            champion=champion,
            data=data,
            isolate=isolate,
            timeout=timeout,
        )
    if raise_on_failure and not report.passed:
        raise _failed(report)
    return ModelResult.of(report)


def _failed(report: TestReport) -> ChecksFailedError:
    failed = [f"{item.name}: {item.message}" for item in report.failures]
    left_out = [f"{name}: It did not run." for name in report.not_run]
    return ChecksFailedError(
        f"{report.ref} failed {len(failed)} of {len(report.results)} checks: {' '.join([*failed, *left_out])}",
        hint="Mend the model, or pass raise_on_failure=False and look at the report.",
        ref=report.ref,
        reasons=[*failed, *left_out],
    )


# pytest collects what is called test_*, also where a test file only imports it.
test_model.__test__ = False  # type: ignore[attr-defined]  # Task has no such attribute; pytest looks for it
