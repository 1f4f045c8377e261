"""Search at 1,000 and at 100,000 versions (500,000 metrics), first and 100th page, and MLflow's tag search beside it.

.venv/bin/python -m benchmarks.search [--database sqlite] [--most 100000] [--no-mlflow] [--check]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.growth import Databases
from benchmarks.peers import BENCH, MLFLOW, Sqlite, mlflow_environment, postgres
from benchmarks.protocol import Side

CASES = ("tag", "alias", "metric", "prefix")
SMALL = 1_000
PAGE = 100
MEMORY = 200 * 1024 * 1024
Figures = dict[str, dict[str, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 if a bar is missed and ``--check`` asks."""
    options = _options(arguments)
    BENCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="search-", dir=BENCH) as folder, ExitStack() as stack:
        databases: list[Databases] = [Sqlite(Path(folder))] if "sqlite" in options.database else []
        if "postgresql" in options.database:
            databases.append(stack.enter_context(postgres()))
        found = {item.name: _measure(item, Path(folder), options) for item in databases}
    options.results.write_text(json.dumps(found, indent=1), encoding="utf-8")
    missed = _show(Console(width=130 if not sys.stdout.isatty() else None), found)
    return int(options.check and missed > 0)


def _measure(database: Databases, folder: Path, options: argparse.Namespace) -> Figures:
    found: Figures = {case: {} for case in CASES}
    with _sides(database, folder, options) as sides:
        pages = {}
        for (name, size), side in sides.items():
            for case in CASES if name == "podium" else ("tag",):
                pages[name, size, case] = sorted({1, side.ask("reach", case=case, page=PAGE)})
        for turn in range(options.rounds + 1):
            for (name, size, case), numbers in pages.items():
                for number in numbers:
                    ask = {"case": case, "page": number, "times": 9 if turn else 1, "seconds": 2.0}
                    samples = sides[name, size].ask("run", **ask)
                    if turn:  # the first turn only warms up
                        key = f"{name} {size} {'first' if number == 1 else 'last'}"
                        found[case].setdefault(key, {"page": number, "rounds": []})
                        found[case][key]["rounds"].append(statistics.median(samples))
        found["listing"] = sides["podium", options.most].ask("listing")
    return found


@contextmanager
def _sides(database: Databases, folder: Path, options: argparse.Namespace) -> Iterator[dict[tuple[str, int], Side]]:
    names = ("podium",) if options.no_mlflow or not mlflow_environment() else ("podium", "mlflow")
    sides: dict[tuple[str, int], Side] = {}
    try:
        for name in names:
            for size in (SMALL, options.most) if name == "podium" else (options.most,):
                label = f"{name}-{size}"
                python = Path(sys.executable) if name == "podium" else MLFLOW
                side = sides[name, size] = Side(python, f"benchmarks.search.{name}_side", BENCH / f"{name}.log")
                side.ask("open", url=database.create(label), folder=str(folder / f"{database.name}-{label}"))
                side.ask("seed", versions=size)
                print(f"  {database.name}: {size:,} versions for {name}", flush=True)
        yield sides
    finally:
        for side in sides.values():
            side.close()


def _median(figures: dict[str, Any], key: str) -> float | None:
    return statistics.median(figures[key]["rounds"]) if key in figures else None


def _show(console: Console, found: dict[str, Figures]) -> int:
    table = Table("Bar", "Asked", "Measured", "Held", title="Search")
    missed = 0
    for name, figures in found.items():
        for what, asked, measured, held in _bars(name, figures):
            missed += not held
            table.add_row(what, asked, measured, "yes" if held else "NO")
    console.print(table)
    return missed


def _bars(name: str, figures: Figures) -> Iterator[tuple[str, str, str, bool]]:
    for case in CASES:
        keys = [key for key in figures[case] if key.startswith("podium") and f" {SMALL} " not in key]
        # One page of a small registry may be short: its fullest page is the first.
        base = _median(figures[case], f"podium {SMALL} first")
        for key in keys:
            cost, page = _median(figures[case], key), figures[case][key]["page"]
            assert base is not None
            assert cost is not None
            ratio = cost / base
            what = f"{name}: {case}, page {page}, against {SMALL:,} versions"
            yield what, "<= 2x", f"{ratio:.2f}x ({cost * 1000:.1f} ms)", ratio <= 2
            theirs = _median(figures[case], key.replace("podium", "mlflow"))
            if theirs is not None:
                faster = theirs / cost
                what = f"{name}: {case}, page {page}, against MLflow"
                yield what, ">= 10x", f"{faster:.1f}x ({theirs * 1000:.0f} ms)", faster >= 10
    memory = figures["listing"]["memory"]
    what = f"{name}: all {figures['listing']['count']:,} versions page by page, memory"
    yield what, "< 200 MiB", f"{memory / 2**20:.0f} MiB ({figures['listing']['seconds']:.1f} s)", memory < MEMORY


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=(__doc__ or "").partition("\n")[0])
    databases = ("sqlite", "postgresql")
    parser.add_argument("--database", action="append", choices=databases, help="both if left out")
    parser.add_argument("--most", type=int, default=100_000, help="versions of the large registry")
    parser.add_argument("--rounds", type=int, default=3, help="turns of the sides per case; the median counts")
    parser.add_argument("--no-mlflow", action="store_true", help="without MLflow and its environment")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--results", type=Path, default=BENCH / "search.json", help="where the JSON goes")
    options = parser.parse_args(arguments)
    options.database = options.database or list(databases)
    return options


if __name__ == "__main__":
    sys.exit(main())
