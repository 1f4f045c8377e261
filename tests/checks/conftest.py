"""A version to test, with and without a registry."""

from __future__ import annotations

import datetime
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from podium.checks import TestSubject
from podium.domain.origin import Origin
from podium.domain.versions import Version
from podium.registry import Registry

MODEL = "model-registry/Digits classifier"


@pytest.fixture(autouse=True)
def _work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test works in a folder of its own, and no setting of the pytest that runs it reaches one inside."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PODIUM_PLUGINS_ALLOW", "console")


@pytest.fixture
def subject(tmp_path: Path) -> Callable[..., TestSubject]:
    """Make a version whose files are those given, without a registry."""

    def make(files: dict[str, bytes | str] | None = None, *, number: int = 0, **more: Any) -> TestSubject:
        folder = tmp_path / f"subject-{number}"
        for name, content in (files or {}).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        folder.mkdir(exist_ok=True)
        found = [path for path in folder.rglob("*") if path.is_file()]
        version = Version(
            ref=f"{MODEL}:v{number}",
            collection=MODEL,
            kind="model",
            number=number,
            type="model",
            digest=f"sha256:{number:064x}",
            size=sum(path.stat().st_size for path in found),
            files=len(found),
            source=f"digits/mlp:v{number}",
            metadata=more.pop("metadata", {}),
            metrics=more.pop("metrics", {}),
            description=None,
            aliases=("latest",),
            run=None,
            supersedes=None,
            created_at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
            created_by="ann",
            origin=Origin(),
        )
        return TestSubject(version, folder, **more)

    return make


@pytest.fixture
def write() -> Callable[..., Path]:
    """Write a Python file into the working folder."""

    def write(name: str, text: str) -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write


@pytest.fixture
def linked(lite: Registry, model_file: Callable[[str], Path]) -> str:
    """A registered model with one version of accuracy 0.9, in a registry on SQLite."""
    lite.log("digits/mlp", model_file("model"), metrics={"accuracy": 0.9})
    return lite.link("digits/mlp", MODEL).ref
