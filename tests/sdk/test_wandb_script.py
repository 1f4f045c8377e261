"""A script that was written for W&B runs with its import changed, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("wandb_script.py")


@pytest.fixture
def ran(tmp_path: Path) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The script after sed, run in a fresh process and folder."""
    text = SCRIPT.read_text()
    assert text.count("import wandb\n") == 1
    script = tmp_path / "train.py"
    script.write_text(text.replace("import wandb\n", "import podium as wandb\n"))
    environment = {**os.environ, "PODIUM_HOME": str(tmp_path / "home"), "SCRIPT_FOLDER": str(tmp_path)}
    command = [sys.executable, "-W", "error", str(script)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    return done, tmp_path / "home"


def test_the_script_runs(ran) -> None:
    """Every line prints what it would with W&B, and nothing is said on standard error."""
    done, _ = ran
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    lines = dict(line.partition(" ")[::2] for line in done.stdout.splitlines())
    assert lines["run"].split()[1:] == ["baseline", "digits", "0.1", "20"]
    assert lines["logged"] == "v0 sha256: ['candidate', 'latest']"
    assert lines["used"] == "mlp:v0 model 0.1 ['copies', 'model.bin']"
    assert lines["registered"] == "v0 b'weights'"
    assert lines["raw"] == "v0 ['model.bin', 'notes.txt', 'unchecked.bin']"
    assert (lines["model"], lines["entry"], lines["referred"]) == ("b'weights'", "7 3", "b'weights'")
    assert lines["following"] == "v0"  # another project, another number
    assert lines["summary"] == "0.93"


def test_what_the_script_left(ran, open_at) -> None:
    """Runs, history, artifacts, link and lineage are in the registry, and no staging folder stays."""
    _, home = ran
    registry = open_at(f"sqlite:///{home / 'podium.db'}", content=None)
    (run,) = registry.runs("digits")
    table = registry.table(run.id, "predictions")
    assert (run.status, run.steps, run.job_type, run.config) == ("finished", 22, "train", {"lr": 0.1, "epochs": 20})
    assert [point.value for point in registry.metrics(run.id) if point.name == "epoch"] == list(range(20))
    assert registry.resolve("digits/mlp:candidate").metrics == {"loss": 0.05, "acc": 0.975, "epoch": 19, "test.f1": 0.9}
    assert (table.columns, table.get_column("guess")) == (("id", "truth", "guess"), [1, 2, 3])
    assert registry.resolve("digits/digits-data").files == 2
    edited = registry.resolve("digits/mlp:reviewed")
    assert (edited.metadata, edited.tags) == ({"lr": 0.1, "reviewed": True, "rows": 1797}, ("audited",))
    assert (edited.description, edited.expires_at - edited.created_at) == ("reviewed by hand", timedelta(days=90))
    assert registry.resolve("digits/digits-raw").tags == ("raw",)
    assert [entry.integrity for entry in registry.files("evaluation/digits-raw").manifest.entries] == ["sha256", None]
    assert registry.resolve("model-registry/Short cut:first").source == "digits/short:v0"
    assert registry.resolve("model-registry/Digits classifier:challenger").source == "digits/mlp:v0"
    assert registry.verify().ok
    assert list((home / "staging").iterdir()) == []
