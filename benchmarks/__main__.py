"""Podium side by side with MLflow and with what the machine can do at most.

make bench
.venv/bin/python -m benchmarks --quick --no-mlflow
.venv/bin/python -m benchmarks --only link --only alias --check
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

from benchmarks.bars import bars
from benchmarks.contents import measure_content
from benchmarks.growth import Databases, measure_growth, measure_writers, templates
from benchmarks.peers import BENCH, MLFLOW, Sqlite, mlflow_environment, postgres
from benchmarks.plan import CASES, MIB, Found, Plan, Row, Rows
from benchmarks.protocol import ROOT, SideError
from benchmarks.report import read_json, show, write_json, write_page
from benchmarks.starts import measure_starts

GROUPS = (*CASES, "writers", "big", "many", "starts")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; return 1 if a part failed, or if a bar is missed and ``--check`` asks."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is stopped and the folder goes
    BENCH.mkdir(exist_ok=True)
    found = read_json(options.results) if options.show else _run(options)
    if options.quick:
        print("Small sizes, one turn each: these figures say that everything runs, not how fast it is.")
    verdicts = [] if options.quick else bars(found.rows)  # small sizes say nothing about bars
    show(Console(width=150 if not sys.stdout.isatty() else None), found, verdicts)
    write_json(options.results, found, verdicts)
    if options.page is not None:
        write_page(options.page, found, verdicts)
    if options.picture is not None and MLFLOW.exists():
        command = [str(MLFLOW), "-m", "benchmarks.plot", str(options.results), str(options.picture)]
        subprocess.run(command, check=True, cwd=ROOT)
    return int(bool(found.failed) or (options.check and any(bar.held is False for bar in verdicts)))


def _run(options: argparse.Namespace) -> Found:
    with tempfile.TemporaryDirectory(prefix="run-", dir=BENCH) as folder, ExitStack() as stack:
        plan = _plan(options, Path(folder))
        databases: list[Databases] = [Sqlite(Path(folder))]
        if "postgresql" in options.database:
            databases.append(stack.enter_context(postgres()))
        return _measure(plan, databases, options.results)


def _measure(plan: Plan, databases: list[Databases], results: Path) -> Found:
    """Measure one part after the other; one that fails is reported, and does not take the others with it."""
    found = Found()
    for database in databases:
        found.facts |= templates(plan, database)
    for name, part in _parts(plan, databases, found.limits):
        try:
            found.rows += part()
        except (SideError, subprocess.CalledProcessError) as error:
            found.failed[name] = str(error)
            print(f"{name} failed: {error}", file=sys.stderr, flush=True)
        write_json(results, found, [])  # what was measured so far, should the next part be stopped
        print(f"{name}: done", flush=True)
    return found


def _parts(plan: Plan, databases: list[Databases], limits: Rows) -> Iterator[tuple[str, Callable[[], Rows]]]:
    for kind in ("big", "many"):
        if plan.wants(kind):
            yield kind, partial(measure_content, plan, databases[0], kind)
    if plan.wants("starts"):
        yield "starts", partial(measure_starts, plan)
    for database in databases:
        if plan.wants(*CASES):
            limits.append(Row("commit", database.name))
            yield f"{database.name}, one model", partial(measure_growth, plan, database, "one", limits[-1])
            yield f"{database.name}, many models", partial(measure_growth, plan, database, "spread", limits[-1])
        if plan.wants("writers"):
            yield f"{database.name}, writers", partial(measure_writers, plan, database)


def _plan(options: argparse.Namespace, folder: Path) -> Plan:
    with_mlflow = not options.no_mlflow and (MLFLOW.exists() if options.quick else bool(mlflow_environment()))
    plan = Plan(folder, ("podium", "mlflow") if with_mlflow else ("podium",), only=frozenset(options.only))
    if options.quick:
        small = replace(plan, sizes=(20,), models=5, rounds=1, times=3, content_rounds=1, starts=1)
        return replace(small, big=8 * MIB, files=200, links=3, writers=2, writer_rounds=1)
    sizes = tuple(size for size in plan.sizes if size <= options.most)
    return replace(plan, sizes=sizes, rounds=options.rounds, content_rounds=(options.rounds + 1) // 2)


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
    parser.add_argument("--show", action="store_true", help="measure nothing, show the results that are there")
    parser.add_argument("--page", type=Path, default=None, help="a Markdown page whose figures are put in place")
    parser.add_argument("--rounds", type=int, default=7, help="turns of the sides per case; the median counts")
    options = parser.parse_args(arguments)
    options.database = options.database or list(databases)
    return options


if __name__ == "__main__":
    sys.exit(main())
