"""How long `import podium` takes beside `import mlflow`, in one run.

    make bench

MLflow gets an environment of its own below `.bench/`, made on first use. The processes alternate, so that a noisy
neighbour hits both; the figure is the ratio of the medians. Results go to `.bench/import_time.json`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / ".bench"
MLFLOW = "mlflow==3.17.2"
ROUNDS = 15


def main() -> None:
    """Measure and print."""
    peer = _peer()
    ours, theirs, empty = [], [], []
    for turn in range(ROUNDS + 1):
        samples = (
            _seconds([sys.executable, "-c", "pass"]),
            _seconds([sys.executable, "-c", "import podium"]),
            _seconds([str(peer), "-c", "import mlflow"]),
        )
        if turn:  # the first round only warms the file cache
            for values, sample in zip((empty, ours, theirs), samples, strict=True):
                values.append(sample)
    podium, mlflow, bare = (statistics.median(values) for values in (ours, theirs, empty))
    print(f"{'':24}{'median s':>10}")
    print(f"{'python -c pass':24}{bare:10.3f}")
    print(f"{'import podium':24}{podium:10.3f}")
    print(f"{'import ' + MLFLOW:24}{mlflow:10.3f}")
    print(f"podium takes {podium / mlflow:.3f} of MLflow's wall time ({mlflow / podium:.1f}x as fast); the bar is 0.25")
    result = {"rounds": ROUNDS, "python": bare, "podium": podium, "mlflow": mlflow, "ratio": podium / mlflow}
    (BENCH / "import_time.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def _peer() -> Path:
    python = BENCH / "mlflow" / "bin" / "python"
    done = BENCH / "mlflow" / MLFLOW
    if not done.exists():
        print(f"Making an environment for {MLFLOW}, once.", flush=True)
        venv.create(BENCH / "mlflow", with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "--quiet", "install", MLFLOW], check=True)
        done.touch()
    return python


if __name__ == "__main__":
    main()
