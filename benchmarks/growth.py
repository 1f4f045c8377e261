"""The cases on a database, at several numbers of versions, in turn: sizes and sides alternate within each round."""

from __future__ import annotations

import time
from typing import Protocol

from benchmarks.peers import start
from benchmarks.plan import CASES, Plan, Row, Rows
from benchmarks.protocol import Side, SideError


class Databases(Protocol):
    """Makes databases: `peers.Sqlite` or `peers.Postgres`."""

    @property
    def name(self) -> str:
        """What it is called."""

    def create(self, name: str, template: str | None = None) -> str:
        """Return the URL of a new database."""

    def commits(self, times: int) -> list[float]:
        """Time one insert and its commit with the driver alone."""


def templates(plan: Plan, databases: Databases) -> dict[str, dict[str, object]]:
    """Make an empty database with the schema of each side, to copy from; return what makes their commits durable."""
    facts = {}
    for name in plan.sides:
        side = start(name)
        try:
            side.ask("open", url=databases.create(name), folder=str(plan.folder / f"{name}-template"))
            side.ask("prepare")
            facts[f"{name} on {databases.name}"] = side.ask("facts")
            side.ask("close")
        finally:
            side.close()
    return facts


def measure_growth(plan: Plan, databases: Databases, layout: str, limit: Row) -> Rows:
    """Measure each case with each number of versions present, and between them the commits of the driver alone."""
    rows = [Row(case, databases.name, layout, size) for case in CASES if plan.wants(case) for size in plan.sizes]
    sides: dict[tuple[int, str], Side] = {}
    try:
        for size in plan.sizes:
            for name in plan.sides:
                sides[size, name] = _seeded(plan, databases, name, layout, size)
        for turn in range(plan.rounds + 1):
            limit.add("limit", databases.commits(plan.times))
            for row in rows:
                for name in plan.sides:
                    times = plan.times if turn else 1  # the first turn only warms up
                    samples = sides[row.versions, name].ask("run", case=row.case, times=times, seconds=plan.seconds)
                    if turn:
                        row.add(name, samples)
    finally:
        for side in sides.values():
            side.close()
    return rows


def models_for(plan: Plan, layout: str, size: int) -> int:
    """Return over how many models the versions are spread: two versions in each at least, so that aliases can move."""
    return 1 if layout == "one" else min(plan.models, size // 2)


def _seeded(plan: Plan, databases: Databases, name: str, layout: str, size: int) -> Side:
    side = start(name)
    label = f"{name}-{layout}-{size}"
    side.ask("open", url=databases.create(label, template=name), folder=str(plan.folder / label))
    seconds = side.ask("seed", versions=size, models=models_for(plan, layout, size))
    print(f"  {databases.name}: {size:,} versions for {name} ({layout}) seeded in {seconds:.1f} s", flush=True)
    return side


def measure_writers(plan: Plan, databases: Databases) -> Rows:
    """Measure several processes that link into the same model at once; what failed is counted, not retried."""
    size = plan.sizes[0]
    row = Row("writers", databases.name, "one", size)
    for turn in range(plan.writer_rounds):
        for name in plan.sides:
            label = f"{name}-writers-{turn}"
            url = databases.create(label, template=name)
            folder = str(plan.folder / label)
            writers = [start(name) for _ in range(plan.writers)]
            try:
                for number, writer in enumerate(writers):
                    writer.ask("open", url=url, folder=folder, spare=number * (plan.links + 1))
                    writer.ask("aim" if number else "seed", versions=size, models=1)
                for writer in writers:  # opens its connection
                    writer.ask("run", case="link", times=1, seconds=60)
                seconds, failed = _at_once(writers, plan.links)
            finally:
                for writer in writers:
                    writer.close()
            row.add(name, [seconds / (plan.writers * plan.links)])
            row.notes[f"{name} writers failed"] = int(str(row.notes.get(f"{name} writers failed", 0))) + failed
    return [row]


def _at_once(writers: list[Side], links: int) -> tuple[float, int]:
    begin = time.perf_counter()
    for writer in writers:
        writer.send("run", case="link", times=links, seconds=600)
    failed = 0
    for writer in writers:
        try:
            writer.receive()
        except SideError as error:
            failed += 1
            print(f"  a writer failed: {str(error).strip().splitlines()[-1][:150]}", flush=True)
    return time.perf_counter() - begin, failed
