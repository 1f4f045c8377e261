"""A run of pytest that tests a model: what the tests are given, and where their results go."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from podium.checks.guard import FileGuard
from podium.checks.subject import TestSubject
from podium.domain.check_names import name_of_case, name_of_test, suite_of_test
from podium.domain.checks import CheckResult
from podium.domain.names import check_label
from podium.domain.plain import to_plain
from podium.domain.runs import flatten_metrics
from podium.errors import PodiumError
from podium.registry import Registry, open_registry
from podium.testing.pytest_files import FilesAsTheyWere
from podium.testing.pytest_reports import Reports

_EVERY = 10.0  # seconds of results that are lost at most when this process is killed
_METRICS: pytest.StashKey[dict[str, Any]] = pytest.StashKey()


class ModelSession:
    """The plugin of one run.

    Args:
        config: Of pytest.
        request: The file that says what is tested, if somebody else wrote it.
        worker: Whether this is a worker of pytest-xdist; results go to its controller.
    """

    def __init__(self, config: pytest.Config, request: str | None, *, worker: bool) -> None:
        self.config = config
        self.model_version: TestSubject
        self.champion: TestSubject | None = None
        self._worker = worker
        self._request = request
        self._done: frozenset[str] = frozenset()
        self._places: dict[str, str] = {}
        self._recorder: _FileRecorder | _RegistryRecorder | None = None
        self._reports = Reports(self._finish)
        if request is not None:
            self._read(Path(request))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Open the registry and download what is tested, unless somebody did it."""
        if self._request is None:
            recorder = _RegistryRecorder(self.config)
            self._recorder = recorder
            self._request = recorder.request
            self._read(Path(recorder.request))
        elif not self._worker:
            self._recorder = _FileRecorder(self._places["records"])

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist where everything is."""
        node.workerinput["podium_request"] = self._request

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out the tests that have their results already, and name the others."""
        names: dict[str, str] = {}
        for item in items:
            name = about(item)["name"]
            if name in names:
                raise pytest.UsageError(f"{item.nodeid} and {names[name]} are both recorded as the check {name!r}.")
            names[name] = item.nodeid
        over = [item for item in items if item.nodeid in self._done]
        if over:
            items[:] = [item for item in items if item.nodeid not in self._done]
            config.hook.pytest_deselected(items=over)
        if "tests" in self._places:
            _write(Path(self._places["tests"]), [{"node": item.nodeid, **about(item)} for item in items])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Put what Podium wants to know on the report; it travels from workers to the controller with it."""
        report = yield
        report.podium = {**about(item), **_measured(item)}
        return report

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note which test runs."""
        if self._recorder is not None:
            self._recorder.start(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a report; the controller gets those of all workers."""
        if self._recorder is not None:
            self._reports.add(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take the report of a file that could not be read."""
        if self._recorder is not None:
            self._reports.add_collection(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Record what is left."""
        if self._recorder is not None and not self._recorder.finish():
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what was recorded."""
        if isinstance(self._recorder, _RegistryRecorder):
            terminalreporter.write_line(self._recorder.summary, red=self._recorder.error is not None)

    def pytest_unconfigure(self) -> None:
        """Remove what was downloaded here."""
        if self._recorder is not None:
            self._recorder.close()

    def _read(self, request: Path) -> None:
        told = json.loads(request.read_text(encoding="utf-8"))
        self.model_version = TestSubject.from_json(told["model_version"])
        self.champion = TestSubject.from_json(told["champion"]) if told["champion"] else None
        self.config.pluginmanager.register(FilesAsTheyWere(FileGuard.from_json(told["guard"])), "podium-files")
        self._done = frozenset(told.get("done", ()))
        self._places = {name: told[name] for name in ("records", "tests") if name in told}

    def _finish(self, node: str, result: CheckResult) -> None:
        if self._recorder is not None:
            self._recorder.add(node, result)


class _FileRecorder:
    """Writes results into the file that ``podium test`` reads, each as it comes."""

    def __init__(self, place: str) -> None:
        self._stream = open(place, "a", encoding="ascii")  # noqa: SIM115 - for as long as the session lasts
        self._pid = os.getpid()

    def start(self, node: str) -> None:
        self._write({"type": "start", "node": node})

    def add(self, node: str, result: CheckResult) -> None:
        self._write({"type": "result", "node": node, "result": result.to_json()})

    def finish(self) -> bool:
        self._write({"type": "finished"})
        return True

    def close(self) -> None:
        self._stream.close()

    def _write(self, record: dict[str, Any]) -> None:
        if os.getpid() != self._pid:
            return  # a test forked, and its child came back as well
        self._stream.write(json.dumps(record) + "\n")
        self._stream.flush()


class _RegistryRecorder:
    """Records results in the registry: what ten seconds brought, and the rest at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="podium-test-")
        self._registry: Registry = open_registry()
        self._waiting: list[CheckResult] = []
        self._last = time.monotonic()
        self._recorded = 0
        self._pid = os.getpid()
        self._dry = bool(config.getoption("collectonly", False))
        self.error: PodiumError | None = None
        try:
            stage = config.getoption("--podium-stage") or None
            data = dict(_pair(text) for text in config.getoption("--podium-data"))
            version, champion = self._registry.prepare_test(
                config.getoption("--podium-model"), self._folder.name, champion=stage, data=data
            )
        except PodiumError as error:
            self.close()
            raise pytest.UsageError(str(error)) from error
        self._ref, self._digest = version.ref, version.version.digest
        self.request = str(Path(self._folder.name) / "request.json")
        told = {"model_version": version.to_json(), "champion": champion.to_json() if champion else None}
        _write(Path(self.request), told | {"guard": FileGuard.of((version, champion)).to_json()})

    @property
    def summary(self) -> str:
        """One line about what was recorded."""
        if self.error is not None:
            return f"podium: {len(self._waiting)} results could not be recorded: {self.error}"
        return f"podium: recorded {self._recorded} checks on {self._ref}"

    def start(self, node: str) -> None:
        """A test begins."""

    def add(self, node: str, result: CheckResult) -> None:
        self._waiting.append(result)
        if time.monotonic() - self._last > _EVERY:
            self._flush()

    def finish(self) -> bool:
        self._flush()
        return self.error is None

    def close(self) -> None:
        if os.getpid() == self._pid:  # a test may fork, and its child leave through pytest
            self._registry.close()
            self._folder.cleanup()

    def _flush(self) -> None:
        self._last = time.monotonic()
        if self._dry or not self._waiting or os.getpid() != self._pid:
            return
        try:
            self._registry.record_checks(self._ref, self._waiting, digest=self._digest)
        except PodiumError as error:
            self.error = error
            return
        self.error = None
        self._recorded += len(self._waiting)
        self._waiting = []


def about(item: pytest.Item) -> dict[str, Any]:
    """Return how a test is recorded: its name, severity and suite, by its markers, the closest first.

    Raises:
        pytest.UsageError: A marker says something that cannot be used.
    """
    said: dict[str, Any] = {}
    for marker in item.iter_markers("podium"):
        said = {**dict(zip(("name",), marker.args, strict=False)), **marker.kwargs, **said}
    try:
        for key in ("name", "suite"):
            if said.get(key) is not None:
                check_label(said[key], f"{key} of a check")
    except PodiumError as error:
        raise pytest.UsageError(f"{item.nodeid}: {error}") from error
    if said.get("severity", "error") not in ("error", "warn") or not set(said) <= {"name", "severity", "suite"}:
        raise pytest.UsageError(f"{item.nodeid}: write @pytest.mark.podium(name='...', severity='warn', suite='...').")
    case = getattr(getattr(item, "callspec", None), "id", None)
    node = _own_node(item)
    name = name_of_case(said["name"], case) if said.get("name") else name_of_test(node)
    suite = said.get("suite") or suite_of_test(node)
    return {"name": name, "severity": said.get("severity", "error"), "suite": suite}


def _own_node(item: pytest.Item) -> str:
    """Return the node id as it is without pytest-xdist, whose ``--dist loadgroup`` writes the group behind it."""
    group = item.get_closest_marker("xdist_group")
    if group is None:
        return item.nodeid
    name = group.args[0] if group.args else group.kwargs.get("name", "default")
    return item.nodeid.removesuffix(f"@{name}")


def keep_metric(item: pytest.Item, name: str, value: Any) -> None:
    """Keep a number with a test.

    Raises:
        InvalidValueError: It is no metric.
    """
    item.stash.setdefault(_METRICS, {}).update(flatten_metrics({name: value}))


def _measured(item: pytest.Item) -> dict[str, Any]:
    """Return the metrics and the message of a test, also those of ``record_property``."""
    kept = item.stash.get(_METRICS, None)
    metrics: dict[str, Any] = dict(kept or {})
    message = ""
    for name, value in item.user_properties:
        if name == "message" and isinstance(value, str):
            message = value
            continue
        try:
            found = flatten_metrics({str(name): value})
        except PodiumError:
            continue  # a property for others, such as a list
        metrics.update({key: number for key, number in found.items() if not isinstance(number, str)})
    return {"metrics": to_plain(metrics), "message": message}


def _write(path: Path, body: Any) -> None:
    """Write a file so that a reader sees all of it or none."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(body), encoding="ascii")
    beside.replace(path)


def _pair(text: str) -> tuple[str, str]:
    name, equals, place = text.partition("=")
    if not (name and equals and place):
        raise pytest.UsageError(f"--podium-data is {text!r}; write NAME=PATH or NAME=REFERENCE.")
    return name, place
