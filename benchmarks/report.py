"""What was found, as a table for people and as JSON for later."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.bars import Bar
from benchmarks.plan import TITLES, Row, Rows

LIMITS = ("hash", "copy", "copy + fsync", "python -c pass")


def show(console: Console, rows: Rows, limits: Rows, verdicts: list[Bar]) -> None:
    """Print the table of ratios, the limits of the machine, and the bars."""
    table = Table(title="Medians; the ratio says how many times as fast as MLflow Podium is")
    for name in ("case", "database", "layout", "versions"):
        table.add_column(name)
    for name in ("Podium", "MLflow", "ratio"):
        table.add_column(name, justify="right")
    for row in rows:
        where = (row.database, row.layout, f"{row.versions:,}" if row.versions else "")
        ratio = row.ratio()
        times = f"{ratio:,.2f}x" if ratio is not None else ""
        table.add_row(TITLES[row.case], *where, duration(row.median("podium")), duration(row.median("mlflow")), times)
    console.print(table)
    console.print(_limits_table(rows, limits))
    if not verdicts:
        return
    held = Table(title="Bars of issue 3")
    for name in ("bar", "asked", "measured", "held"):
        held.add_column(name)
    for bar in verdicts:
        word = {True: "yes", False: "[bold red]NO[/]", None: "-"}[bar.held]
        held.add_row(bar.name, bar.asked, bar.measured, word)
    console.print(held)


def _limits_table(rows: Rows, limits: Rows) -> Table:
    table = Table(title="What the machine can do at most, in the same run")
    table.add_column("work")
    table.add_column("median", justify="right")
    for row in limits:
        table.add_row(f"{row.database}: insert + commit, driver only", duration(row.median("limit")))
    for row in rows:
        for who in LIMITS:
            if who in row.rounds:
                table.add_row(f"{TITLES[row.case].partition(':')[0]}: {who}", duration(row.median(who)))
    return table


def duration(seconds: float | None) -> str:
    """Return a time in a unit that suits it."""
    if seconds is None:
        return "-"
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.2f} ms"


def write_json(path: Path, rows: Rows, limits: Rows, verdicts: list[Bar], facts: dict[str, Any]) -> None:
    """Write everything that was measured."""
    result = {
        "machine": machine(),
        "facts": facts,
        "rows": [_plain(row) for row in rows],
        "limits": [_plain(row) for row in limits],
        "bars": [asdict(bar) for bar in verdicts],
    }
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """Return what the figures were taken on, without its name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    processor = {"processor": models[0] if models else platform.processor(), "cores": len(models)}
    return {**processor, "system": f"{platform.system()} {platform.release()}", "python": platform.python_version()}


def _plain(row: Row) -> dict[str, Any]:
    medians = {who: row.median(who) for who in row.rounds}
    return {**asdict(row), "medians": medians, "ratio": row.ratio()}
