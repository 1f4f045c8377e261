"""What the lineage of a large graph costs, near and far: `python -m benchmarks.lineage`.

Depths take turns within each round, so that a machine that slows down slows all of them down. The shapes of graph (see
`lineage_seed`) say different things: what it costs when there is more to find (`layers`, `random`), when there is the
same to find over more and longer paths (`shared`), and when a long way has little beside it (`chain`). The bar is that
depth 50 costs less than five times as much as depth 5; where it finds ten times as many nodes, what counts is the cost
of each node.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import sqlalchemy as sa

from benchmarks.lineage_seed import SHAPES, seed
from benchmarks.peers import BENCH, postgres
from podium.plugins.host import PluginHost
from podium.registry import Registry, open_registry

DEPTHS = (5, 50, None)
BAR = 5.0
_WAYS = {
    "layers": ("bench/data:v0", "down"),
    "shared": ("bench/data:v0", "down"),
    "chain": ("bench/mlp", "up"),
    "random": ("bench/mlp", "up"),
}


@dataclass
class Row:
    """What was measured on one graph of one database.

    Attributes:
        database: ``sqlite`` or ``postgresql``.
        shape: The graph.
        edges: How many it has.
        seconds: Depth to the times of `Registry.lineage`; depth 0 stands for all.
        nodes: Depth to how many nodes were found.
        recursive: Depth to how many recursive statements were sent for one call.
        impact: Times of `Registry.impact` of the data set.
    """

    database: str
    shape: str
    edges: int = 0
    seconds: dict[int, list[float]] = field(default_factory=dict)
    nodes: dict[int, int] = field(default_factory=dict)
    recursive: dict[int, int] = field(default_factory=dict)
    impact: list[float] = field(default_factory=list)

    def cost(self, depth: int) -> float:
        """Return the median in seconds."""
        return statistics.median(self.seconds[depth])

    @property
    def ratio(self) -> float:
        """Return how much more depth 50 costs than depth 5."""
        return self.cost(50) / self.cost(5)

    @property
    def ratio_per_node(self) -> float:
        """Return the same for each node that was found."""
        return self.ratio * self.nodes[5] / self.nodes[50]


def measure(database: str, url: str, folder: Path, shape: str, runs: int, rounds: int) -> Row:
    """Fill a database with a graph and measure it."""
    row = Row(database, shape)
    registry = open_registry(url, content=folder / f"{database}-{shape}", host=PluginHost(discover=False))
    registry.upgrade()
    row.edges = seed(url, shape, runs)
    ref, way = _WAYS[shape]
    for turn in range(rounds + 1):
        for depth in DEPTHS:
            with _recursive(registry) as seen:
                start = time.perf_counter()
                found = registry.lineage(ref, way, depth)  # type: ignore[arg-type]  # the words are those of the type
                taken = time.perf_counter() - start
            if turn:  # the first turn only warms up
                row.seconds.setdefault(depth or 0, []).append(taken)
                row.nodes[depth or 0], row.recursive[depth or 0] = len(found.nodes), len(seen)
        start = time.perf_counter()
        registry.impact("bench/data:v0")
        if turn:
            row.impact.append(time.perf_counter() - start)
    registry.close()
    return row


@contextmanager
def _recursive(registry: Registry) -> Iterator[list[str]]:
    """Note the recursive statements that are sent meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "RECURSIVE" in statement:
            seen.append(statement)

    engine = registry._database._bare_engine()
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def table(rows: list[Row]) -> str:
    """Return what was found as a Markdown table."""
    lines = [
        "| database | graph | edges | depth 5 | depth 50 | all | 50 / 5 | per node | impact | recursive statements |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [f"{row.cost(depth) * 1000:.1f} ms, {row.nodes[depth]:,} nodes" for depth in (5, 50, 0)]
        asked = "/".join(str(row.recursive[depth]) for depth in (5, 50, 0))
        impact = f"{statistics.median(row.impact) * 1000:.0f} ms"
        ratios = f"{row.ratio:.1f} | {row.ratio_per_node:.1f}"
        lines.append(
            f"| {row.database} | {row.shape} | {row.edges:,} | {' | '.join(cells)} | {ratios} | {impact} | {asked} |"
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Measure, print the table, keep the figures; 1 if the bar was missed where the depths find about as much."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lineage", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a small graph, to see that it runs")
    parser.add_argument("--no-postgres", action="store_true", help="SQLite only")
    parser.add_argument("--results", type=Path, default=BENCH / "lineage.json", help="where the figures go")
    given = parser.parse_args(argv)
    runs, rounds = (500, 2) if given.quick else (10_000, 5)
    BENCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BENCH) as name:
        folder = Path(name)
        rows = _all("sqlite", lambda shape: f"sqlite:///{folder / shape}.db", folder, runs, rounds)
        if not given.no_postgres:
            with postgres() as server:
                rows += _all("postgresql", server.create, folder, runs, rounds)
    print(table(rows))
    given.results.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    missed = [row for row in rows if min(row.ratio, row.ratio_per_node) >= BAR or set(row.recursive.values()) != {1}]
    for row in missed:
        print(
            f"MISSED: {row.shape} on {row.database}: {row.ratio:.1f} times as much, {row.ratio_per_node:.1f} per node"
        )
    return 1 if missed else 0


def _all(database: str, create: Callable[[str], str], folder: Path, runs: int, rounds: int) -> list[Row]:
    rows = []
    for shape in SHAPES:
        rows.append(measure(database, create(shape), folder, shape, runs, rounds))
        print(
            f"  {database}, {shape}: {rows[-1].cost(5):.3f} s, {rows[-1].cost(50):.3f} s", file=sys.stderr, flush=True
        )
    return rows


if __name__ == "__main__":
    sys.exit(main())
