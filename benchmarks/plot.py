"""The picture of how cost grows with size; it runs in MLflow's environment, which brings matplotlib.

.bench/mlflow-venv/bin/python -m benchmarks.plot .bench/results.json docs/benchmarks.svg
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

CASES = {"link": "link", "alias": "set alias", "read": "read by alias", "overview": "overview of a model"}
COLOURS = {"podium": "#1565c0", "mlflow": "#c62828"}
LABELS = {"podium": "Podium", "mlflow": "MLflow"}
LAYOUTS = {"one": ("-", "o", "in one model"), "spread": ("--", "s", "spread over models")}


def draw(results: dict[str, Any], target: Path) -> None:
    """Draw a panel for each case and database."""
    plot: Any = importlib.import_module("matplotlib.pyplot")
    databases = sorted({row["database"] for row in results["rows"] if row["case"] in CASES}, reverse=True)
    figure, panels = plot.subplots(len(databases), len(CASES), figsize=(14, 3.6 * len(databases)), squeeze=False)
    for line, database in zip(panels, databases, strict=True):
        for panel, (case, title) in zip(line, CASES.items(), strict=True):
            _panel(panel, [row for row in results["rows"] if (row["case"], row["database"]) == (case, database)])
            panel.set_title(f"{title}, {database}", fontsize=10)
        line[0].set_ylabel("median, ms")
    for panel in panels[-1]:
        panel.set_xlabel("versions present")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncol=4, frameon=False)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    figure.savefig(target, metadata={"Date": None} if target.suffix == ".svg" else None)


def _panel(panel: Any, rows: list[dict[str, Any]]) -> None:
    for who, colour in COLOURS.items():
        for layout, (dash, mark, name) in LAYOUTS.items():
            found = [row for row in rows if row["layout"] == layout and who in row["medians"]]
            values = [row["medians"][who] * 1000 for row in found]
            label = f"{LABELS[who]}, {name}"
            panel.plot([row["versions"] for row in found], values, dash + mark, color=colour, label=label, markersize=4)
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.grid(visible=True, which="major", alpha=0.3)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
