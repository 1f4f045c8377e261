"""The benchmark of lineage runs, and its figures are of what it says. No test asserts a time."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


@pytest.mark.parametrize(("shape", "near", "far"), [("layers", 41, 401), ("shared", 401, 401), ("chain", 7, 52)])
def test_a_graph_is_measured(tmp_path: Path, shape: str, near: int, far: int) -> None:
    """Depths find what the shape promises, by one recursive statement each."""
    from benchmarks.lineage import measure, table

    row = measure("sqlite", f"sqlite:///{tmp_path / 'bench.db'}", tmp_path, shape, runs=200, rounds=1)
    assert (row.nodes[5], row.nodes[50], row.nodes[0]) == (near, far, 401)
    assert row.recursive == {5: 1, 50: 1, 0: 1}
    assert f"| sqlite | {shape} |" in table([row])


def test_the_cost_of_a_node() -> None:
    """Ten times the time for ten times the nodes is no more for each."""
    from benchmarks.lineage import Row

    row = Row("sqlite", "layers", seconds={5: [0.1], 50: [1.0]}, nodes={5: 100, 50: 1000})
    assert (row.ratio, row.ratio_per_node) == (10, 1)
