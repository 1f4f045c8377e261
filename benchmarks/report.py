"""What was found, as a table for people and as JSON for later."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.bars import Bar
from benchmarks.plan import TITLES, Found, Row

HEAD = ("case", "database", "layout", "versions", "Podium", "MLflow", "ratio")
LIMIT_HEAD = ("what the machine can do at most", "median")
BAR_HEAD = ("bar", "asked", "measured", "held")
FIGURES = frozenset({"versions", "Podium", "MLflow", "ratio", "median", "measured"})
START, END = "<!-- figures -->", "<!-- end of figures -->"
LIMITS = ("hash", "copy", "copy + fsync", "python -c pass")


def show(console: Console, found: Found, verdicts: list[Bar]) -> None:
    """Print the table of ratios, the limits of the machine, and the bars."""
    title = "Medians; the ratio says how many times as fast as MLflow Podium is"
    console.print(_table(title, HEAD, [_row_cells(row) for row in found.rows]))
    console.print(_table("In the same run", LIMIT_HEAD, _limit_cells(found)))
    if verdicts:
        cells = [tuple(cell.replace("**no**", "[bold red]NO[/]") for cell in _bar_cells(bar)) for bar in verdicts]
        console.print(_table("Bars of issue 3", BAR_HEAD, cells))


def _table(title: str, head: tuple[str, ...], lines: list[tuple[str, ...]]) -> Table:
    table = Table(title=title)
    for name in head:
        table.add_column(name, justify="right" if name in FIGURES else "left")
    for line in lines:
        table.add_row(*line)
    return table


def write_page(path: Path, found: Found, verdicts: list[Bar]) -> None:
    """Put the figures between the two marks of a page.

    Raises:
        ValueError: The page has no marks.
    """
    text = path.read_text(encoding="utf-8")
    if START not in text or END not in text:
        raise ValueError(f"{path} has no {START} and {END} to put the figures between.")
    before, _, rest = text.partition(START)
    figures = "\n\n".join(
        (
            _facts_text(found),
            _markdown(HEAD, [_row_cells(row) for row in found.rows]),
            _markdown(LIMIT_HEAD, _limit_cells(found)),
            _markdown(BAR_HEAD, [_bar_cells(bar) for bar in verdicts]),
        )
    )
    path.write_text(f"{before}{START}\n\n{figures}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def _facts_text(found: Found) -> str:
    here = machine()
    lines = [f"- {here['processor']}, {here['cores']} cores, {here['system']}, Python {here['python']}"]
    lines += [
        f"- {who}: " + ", ".join(f"{key} {value}" for key, value in facts.items()) for who, facts in found.facts.items()
    ]
    return "\n".join(lines)


def _markdown(head: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ("---",) * len(head), *lines))


def _row_cells(row: Row) -> tuple[str, ...]:
    where = (row.database, row.layout, f"{row.versions:,}" if row.versions else "")
    ratio = row.ratio()
    times = f"{ratio:,.2f}x" if ratio is not None else ""
    return (TITLES[row.case], *where, duration(row.median("podium")), duration(row.median("mlflow")), times)


def _limit_cells(found: Found) -> list[tuple[str, ...]]:
    cells: list[tuple[str, ...]] = [
        (f"{row.database}: insert + commit, driver only", duration(row.median("limit"))) for row in found.limits
    ]
    for row in found.rows:
        title = TITLES[row.case].partition(":")[0]
        cells += [(f"{title}: {who}", duration(row.median(who))) for who in LIMITS if who in row.rounds]
    return cells


def _bar_cells(bar: Bar) -> tuple[str, ...]:
    return (bar.name, bar.asked, bar.measured, {True: "yes", False: "**no**", None: "-"}[bar.held])


def duration(seconds: float | None) -> str:
    """Return a time in a unit that suits it."""
    if seconds is None:
        return "-"
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.2f} ms"


def write_json(path: Path, found: Found, verdicts: list[Bar]) -> None:
    """Write everything that was measured."""
    result = {
        "machine": machine(),
        "facts": found.facts,
        "failed": found.failed,
        "rows": [_plain(row) for row in found.rows],
        "limits": [_plain(row) for row in found.limits],
        "bars": [asdict(bar) for bar in verdicts],
    }
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def read_json(path: Path) -> Found:
    """Return what an earlier run wrote."""
    result = json.loads(path.read_text(encoding="utf-8"))
    names = [field.name for field in fields(Row)]
    rows, limits = ([Row(**{name: row[name] for name in names}) for row in result[key]] for key in ("rows", "limits"))
    return Found(rows, limits, result["facts"], result["failed"])


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
