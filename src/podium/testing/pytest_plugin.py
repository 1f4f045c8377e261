"""Podium's plugin for pytest: ``model_version``, ``champion``, every test a check; ``podium_registry`` for plugins.

It is loaded by every run of pytest in an environment with Podium, so it does nothing and imports nothing until
``--podium-model``, ``podium test --suite`` or a test that wants ``podium_registry`` asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from podium.checks.subject import TestSubject
    from podium.registry import Registry

pytest.register_assert_rewrite("podium.testing.contract", "podium.testing.contract_case")

REQUEST = "PODIUM_PYTEST_REQUEST"  # how `podium test` tells where version, champion and the file of results are
_NAME = "podium-session"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("podium", "model tests (Podium)")
    group.addoption("--podium-model", metavar="REF", help="Test this version; every test is recorded as a check.")
    group.addoption(
        "--podium-stage",
        metavar="STAGE",
        default="production",
        help="The stage or alias whose holder is the fixture 'champion' (default: production); '' for none.",
    )
    group.addoption(
        "--podium-data",
        metavar="NAME=PLACE",
        action="append",
        default=[],
        help="Data for the tests, as model_version.data[NAME]: a path or a reference; repeatable.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and begin if the run is about a model."""
    config.addinivalue_line("markers", "podium(name=, severity=, suite=): how Podium records the test as a check")
    worker: dict[str, Any] = getattr(config, "workerinput", {})
    request = worker.get("podium_request") or os.environ.pop(REQUEST, None)
    if request or (config.getoption("--podium-model", None) and not worker):
        from podium.testing.pytest_session import ModelSession

        config.pluginmanager.register(ModelSession(config, request, worker=bool(worker)), _NAME)


@pytest.fixture(scope="session")
def model_version(request: pytest.FixtureRequest) -> TestSubject:
    """The version that is tested: ``path``, ``metrics``, ``metadata``, ``config``, ``data``, ``version``."""
    found: TestSubject = _session(request).model_version
    return found


@pytest.fixture(scope="session")
def champion(request: pytest.FixtureRequest) -> TestSubject | None:
    """The version that holds the stage, in the same form; None if nobody does, or the version itself does."""
    found: TestSubject | None = _session(request).champion
    return found


@pytest.fixture
def record_metric(request: pytest.FixtureRequest) -> Callable[[str, Any], None]:
    """Keep a number with the check: ``record_metric("accuracy", 0.97)``."""
    from podium.testing.pytest_session import keep_metric

    return lambda name, value: keep_metric(request.node, name, value)


@pytest.fixture
def podium_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ``PODIUM_HOME`` in the folder of the test, and no other ``PODIUM_`` variable: nothing outside is touched."""
    for name in [name for name in os.environ if name.startswith("PODIUM_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "podium-home"
    monkeypatch.setenv("PODIUM_HOME", str(home))
    return home


@pytest.fixture
def podium_registry(podium_home: Path) -> Iterator[Registry]:
    """An empty registry in the folder of the test, without the plugins that are installed.

    ``podium_registry.host.register(plugin, name="mine")`` adds one. Nothing of the environment's Podium is touched.
    """
    from podium.plugins.host import PluginHost
    from podium.registry import open_registry

    registry = open_registry(host=PluginHost(discover=False), actor="anna")
    yield registry
    registry.close()


def _session(request: pytest.FixtureRequest) -> Any:
    found = request.config.pluginmanager.get_plugin(_NAME)
    if found is None:  # a plain run of a project's tests must not fail for want of a model
        pytest.skip("needs a model: pytest --podium-model REGISTRY/MODEL, or podium test --suite")
    return found
