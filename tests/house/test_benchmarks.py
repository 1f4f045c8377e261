"""The benchmarks run, and their bars say what was missed. No test asserts a time: that is what `make bench` is for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.mark.slow
@pytest.mark.postgres
def test_a_quick_run_measures_each_case(tmp_path: Path) -> None:
    """`--quick` goes through every case on both databases; MLflow is left out, it takes minutes to start so often."""
    results = tmp_path / "results.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--no-mlflow", "--results", str(results)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(results.read_text(encoding="utf-8"))["rows"]
    from benchmarks.plan import TITLES

    assert {row["case"] for row in rows if row["medians"]["podium"] > 0} == set(TITLES)
    assert {row["database"] for row in rows} == {"", "sqlite", "postgresql"}


@pytest.mark.parametrize(("seconds", "held"), [(0.02, True), (0.021, False)])
def test_a_bar_of_growth_is_missed_above_twice_the_cost(seconds: float, held: bool) -> None:
    """At the largest size a case may cost twice what it costs at the smallest, and no more."""
    from benchmarks.bars import bars
    from benchmarks.plan import Row

    few = Row("link", "sqlite", "one", 100, {"podium": [0.01]})
    many = Row("link", "sqlite", "one", 100_000, {"podium": [seconds]})
    assert [bar.held for bar in bars([few, many])] == [held]


@pytest.mark.parametrize(("ours", "held"), [(0.09, True), (0.11, False)])
def test_a_bar_beside_mlflow_takes_the_worst_size(ours: float, held: bool) -> None:
    """Being three times as fast at one size does not make up for another size."""
    from benchmarks.bars import bars
    from benchmarks.plan import Row

    good = Row("alias", "sqlite", "one", 100, {"podium": [0.01], "mlflow": [0.3]})
    other = Row("alias", "sqlite", "spread", 100, {"podium": [ours], "mlflow": [0.3]})
    assert [bar.held for bar in bars([good, other])] == [held]


def test_a_page_gets_its_figures_between_the_marks(tmp_path: Path) -> None:
    """What stands around the marks of a page stays as it was."""
    from benchmarks.plan import Found, Row
    from benchmarks.report import END, START, write_page

    page = tmp_path / "page.md"
    page.write_text(f"before\n{START}\nold\n{END}\nafter\n", encoding="utf-8")
    write_page(page, Found([Row("read", "sqlite", "one", 100, {"podium": [0.001], "mlflow": [0.006]})]), [])
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "| read by alias | sqlite | one | 100 | 1.00 ms | 6.00 ms | 6.00x |" in text
    assert "old" not in text
