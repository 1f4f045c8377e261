"""The cases with content: one large file, and many small ones; the sides and the limits of the machine take turns."""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

from benchmarks.growth import Databases
from benchmarks.limits import content_limits
from benchmarks.peers import start
from benchmarks.plan import MIB, Plan, Row, Rows
from benchmarks.protocol import Side

ACTS = ("first", "again", "download")


def measure_content(plan: Plan, databases: Databases, kind: str) -> Rows:
    """Log, log again and download; each round starts with an empty store, and with no hash remembered."""
    found = {act: Row(f"{kind} {act}") for act in ACTS}
    source = _sources(plan, kind)
    os.sync()
    time.sleep(3)  # Podium remembers the hash of a large file only if nobody wrote it within the last two seconds
    sides = {name: start(name) for name in plan.sides}
    try:
        for turn in range(plan.content_rounds):
            for name, side in sides.items():
                _one_round(plan, databases, side, (name, kind, turn), source, found)
            content_limits(found["first"], kind, source, plan.folder / "limit")
    finally:
        for side in sides.values():
            side.close()
    shutil.rmtree(source)
    return list(found.values())


def _one_round(
    plan: Plan, databases: Databases, side: Side, label: tuple[str, str, int], source: Path, found: dict[str, Row]
) -> None:
    name, kind, turn = label
    folder = plan.folder / f"{name}-{kind}-{turn}"
    side.ask("open", url=databases.create(folder.name, template=name), folder=str(folder))
    first = side.ask("store", name=kind, source=str(source))
    again = side.ask("store", name=kind, source=str(source))
    fetched = side.ask("fetch", name=kind, to=str(folder / "download"))
    for act, answer in zip(ACTS, (first, again, fetched), strict=True):
        found[act].add(name, [answer["seconds"]])
    found["again"].notes[f"{name}: new bytes"] = again["bytes"] - first["bytes"]
    side.ask("close")
    shutil.rmtree(folder)


def _sources(plan: Plan, kind: str) -> Path:
    folder = plan.folder / f"source-{kind}"
    folder.mkdir()
    chance = random.Random(7)
    if kind == "big":
        with (folder / "model.bin").open("wb") as file:
            for _ in range(plan.big // MIB):
                file.write(chance.randbytes(MIB))
    else:
        for number in range(plan.files):
            place = folder / f"{number // 100:03}"
            place.mkdir(exist_ok=True)
            (place / f"{number:05}.bin").write_bytes(chance.randbytes(plan.file))
    return folder
