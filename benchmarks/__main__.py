"""Podium side by side with MLflow and with what the machine can do at most.

make bench
.venv/bin/python -m benchmarks --quick --no-mlflow
.venv/bin/python -m benchmarks --only link --only alias --check
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.bars import bars
from benchmarks.contents import measure_content
from benchmarks.growth import Databases, measure_growth, measure_writers, templates
from benchmarks.limits import postgres_commits, sqlite_commits
from benchmarks.peers import BENCH, MLFLOW, Postgres, Sqlite, mlflow_environment, postgres
from benchmarks.plan import CASES, MIB, Plan, Row, Rows
from benchmarks.protocol import ROOT
from benchmarks.report import show, write_json, write_page
from benchmarks.starts import measure_starts

GROUPS = (*CASES, "writers", "big", "many", "starts")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; return 1 if a bar is missed and ``--check`` asks."""
    options = _options(arguments)
    BENCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=BENCH) as folder, ExitStack() as stack:
        plan = _plan(options, Path(folder))
        databases: list[Databases] = [Sqlite(Path(folder))]
        if "postgresql" in options.database:
            databases.append(stack.enter_context(postgres()))
        rows, limits, facts = _measure(plan, databases)
    verdicts = [] if options.quick else bars(rows)  # small sizes say nothing about bars
    show(Console(width=150 if not sys.stdout.isatty() else None), rows, limits, verdicts)
    write_json(options.results, rows, limits, verdicts, facts)
    if options.page is not None:
        write_page(options.page, rows, limits, verdicts, facts)
    if options.picture is not None and "mlflow" in plan.sides:
        command = [str(MLFLOW), "-m", "benchmarks.plot", str(options.results), str(options.picture)]
        subprocess.run(command, check=True, cwd=ROOT)
    return int(options.check and any(bar.held is False for bar in verdicts))


def _measure(plan: Plan, databases: list[Databases]) -> tuple[Rows, Rows, dict[str, Any]]:
    rows: Rows = []
    limits: Rows = []
    facts: dict[str, Any] = {}
    for database in databases:
        facts |= templates(plan, database)
        limits.append(_limit(plan, database))
        if plan.wants(*CASES):
            for layout in ("one", "spread"):
                rows += measure_growth(plan, database, layout)
        if plan.wants("writers"):
            rows.append(measure_writers(plan, database))
        limits[-1].rounds["limit"] += _limit(plan, database).rounds["limit"]
    if plan.wants("big", "many"):
        rows += measure_content(plan, databases[0])
    if plan.wants("starts"):
        rows += measure_starts(plan)
    return rows, limits, facts


def _limit(plan: Plan, database: Databases) -> Row:
    row = Row("commit", database.name)
    for _ in range(3):
        if isinstance(database, Postgres):
            row.add("limit", postgres_commits(database.url, 50))
        else:
            row.add("limit", sqlite_commits(plan.folder, 50))
    return row


def _plan(options: argparse.Namespace, folder: Path) -> Plan:
    with_mlflow = not options.no_mlflow and (MLFLOW.exists() if options.quick else bool(mlflow_environment()))
    plan = Plan(folder, ("podium", "mlflow") if with_mlflow else ("podium",), only=frozenset(options.only))
    if options.quick:
        small = replace(plan, sizes=(20, 200), models=20, rounds=1, times=3, content_rounds=1, starts=1)
        return replace(small, big=8 * MIB, files=200, links=3, writers=2, writer_rounds=1)
    sizes = tuple(size for size in plan.sizes if size <= options.most)
    return replace(plan, sizes=sizes, rounds=options.rounds, content_rounds=max(1, options.rounds // 2))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes: whether it works, not how fast it is")
    parser.add_argument("--only", action="append", choices=GROUPS, default=[], metavar="CASE", help=", ".join(GROUPS))
    parser.add_argument("--no-mlflow", action="store_true", help="without MLflow and its environment")
    databases = ("sqlite", "postgresql")
    parser.add_argument("--database", action="append", choices=databases, help="sqlite always; both if left out")
    parser.add_argument("--most", type=int, default=100_000, help="the largest number of versions present")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--results", type=Path, default=BENCH / "results.json", help="where the JSON goes")
    parser.add_argument("--picture", type=Path, default=None, help="where a picture goes, .svg or .png")
    parser.add_argument("--page", type=Path, default=None, help="a Markdown page whose figures are put in place")
    parser.add_argument("--rounds", type=int, default=7, help="turns of the sides per case; the median counts")
    options = parser.parse_args(arguments)
    options.database = options.database or list(databases)
    return options


if __name__ == "__main__":
    sys.exit(main())
