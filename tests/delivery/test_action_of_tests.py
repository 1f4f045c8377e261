"""The action podium.test: checks run by whoever delivers, and only those that its operator allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from podium.plugins.builtin.testing import VARIABLE
from podium.registry import Registry
from tests.delivery.acting import MODEL, drain, host_of

CHECKS = """
import podium

@podium.check
def good(model_version):
    return model_version.metrics["accuracy"] > 0.9

@podium.check
def small(model_version):
    return False
"""


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    """A folder with a file of two checks, one of which fails."""
    folder = tmp_path / "allowed"
    folder.mkdir()
    (folder / "checks.py").write_text(CHECKS)
    return folder


@pytest.fixture
def tested(lite: Registry, open_at, model_file):
    """Link a version while an automation tests each link, deliver, and return what is on record."""
    registry = open_at(lite.settings.url, host=host_of())

    def test(**settings: object) -> tuple[list[tuple[str, str]], str]:
        registry.automate("test", "podium.test", events=["model_version.linked"], settings=settings)
        registry.log("p/a", model_file("a"), metrics={"accuracy": 0.97})
        ref = registry.link("p/a", MODEL).ref
        drain(registry)
        (delivery,) = registry.deliveries()
        found = [(item.result.name, item.result.status) for item in registry.checks(ref)]
        return found, delivery.receipt or delivery.error or ""

    return test


def test_checks_run_and_are_recorded(tested, checks, monkeypatch) -> None:
    """That some fail is a result like any other: the automation did what it is for."""
    monkeypatch.setenv(VARIABLE, f"team.*, {checks}")
    found, said = tested(checks=[str(checks / "checks.py"), 'max_size("1 MB")'])
    assert sorted(found) == [("good", "pass"), ("max_size", "pass"), ("small", "fail")]
    assert said == f"{MODEL}:v0: 1 of 3 failed: small"


def test_what_is_built_in_needs_no_leave(tested) -> None:
    """It runs no code of anybody else."""
    found, said = tested(checks='max_size("1 MB")')
    assert (found, said) == ([("max_size", "pass")], f"{MODEL}:v0: 1 passed")


@pytest.mark.parametrize("kind", ["checks", "suite"])
@pytest.mark.parametrize("allowed", ["", "team.*", "{folder}/other", "/", "allowed"])
def test_other_code_is_not_run(tested, checks, monkeypatch, tmp_path, kind, allowed) -> None:
    """Whoever may automate does not choose what a worker runs; it waits for a worker that may."""
    monkeypatch.setenv(VARIABLE, allowed.format(folder=checks))
    if allowed == "/":  # a link out of a folder that is allowed leads where it leads
        inside = tmp_path / "inside"
        inside.mkdir()
        (inside / "checks.py").symlink_to(checks / "checks.py")
        monkeypatch.setenv(VARIABLE, str(inside))
        checks = inside
    found, said = tested(**{kind: str(checks / "checks.py")})
    assert found == []
    assert "may not run" in said
    assert VARIABLE in said


def test_a_module_by_its_name(tested, monkeypatch) -> None:
    """Names are patterns; a module that is not there is a failure that stays one."""
    monkeypatch.setenv(VARIABLE, "no_such_*")
    found, said = tested(checks="no_such_module:check")
    assert found == []
    assert "no_such_module" in said
