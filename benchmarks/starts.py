"""How long it takes to import each library and to start its command, beside an empty Python."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.peers import MLFLOW
from benchmarks.plan import Plan, Row, Rows


def measure_starts(plan: Plan) -> Rows:
    """Time the processes in turn; the first turn only warms the file cache."""
    ours, rows = Path(sys.executable), [Row("import"), Row("cli")]
    commands: list[tuple[Row, str, list[str]]] = [
        (rows[0], "python -c pass", [str(ours), "-c", "pass"]),
        (rows[0], "podium", [str(ours), "-c", "import podium"]),
        (rows[1], "podium", [str(ours.parent / "podium"), "--help"]),
    ]
    if "mlflow" in plan.sides:
        commands += [
            (rows[0], "mlflow", [str(MLFLOW), "-c", "import mlflow"]),
            (rows[1], "mlflow", [str(MLFLOW.parent / "mlflow"), "--help"]),
        ]
    for turn in range(plan.starts + 1):
        for row, who, command in commands:
            seconds = _seconds(command)
            if turn:
                row.add(who, [seconds])
    return rows


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start
