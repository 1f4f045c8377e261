"""What the tests of moving share: a registry with something of every kind in it, and all that must be equal after."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from podium.domain.bundle_records import RECORDS
from podium.domain.media import Media
from podium.domain.runs import MetricPoint
from podium.registry import Registry
from podium.sql import tables as t

MODEL = "model-registry/Digits classifier"
ARTIFACT = "digits/mlp"
TABLE = Media(
    "predictions",
    1,
    "table",
    {"columns": ["id"], "rows": 1},
    {"table.json": json.dumps({"columns": ["id"], "data": [[1]]}).encode()},
)
_DERIVED = {"version_fields": t.version_fields, "member_fields": t.member_fields, "run_fields": t.run_fields}


def fill(registry: Registry, folder: Path) -> None:
    """Log, link, test, promote, tag, edit, rename, unlink and delete: something of every kind of record."""
    folder.mkdir(exist_ok=True)
    run = registry.start_run("digits", id="training", config={"lr": 0.1, "layers": [64, 10]}).id
    data = registry.log("digits/raw", {"a.csv": write(folder, "1,2")}, type="dataset")
    registry.use(data.ref, run)
    registry.log_metrics(run, [MetricPoint("acc", 0, 0.5), MetricPoint("loss", 0, float("nan"))], media=[TABLE])
    for number in range(4):
        registry.log_metrics(run, [MetricPoint("acc", number + 1, 0.9 + number / 100)])
        files = {"model.bin": write(folder, f"model {number}"), "same.txt": write(folder, "the same in all")}
        registry.log("digits/net", files, run=run, metadata={"number": number, "ä": "ö"}, tags=["logged"])
    registry.finish_run(run)
    outside = write(folder, "elsewhere")
    registry.log("digits/net", {}, references={"big.bin": outside.as_uri()}, ttl=timedelta(days=900))
    registry.rename("digits/net", "mlp", reason="a better name")
    _work(registry)
    registry.delete("digits/mlp:v1", reason="not needed")


def _work(registry: Registry) -> None:
    for number in (0, 2, 3):
        registry.link(f"digits/mlp:v{number}", MODEL, aliases=["candidate"])
    registry.set_policy(MODEL, {"stages": [{"name": "staging", "checks": ["accuracy"]}, {"name": "production"}]})
    registry.record_check(f"{MODEL}:v0", "accuracy", True, "good", metrics={"accuracy": 0.9}, duration=0.25)
    registry.promote(f"{MODEL}:v0", "staging", reason="try it")
    registry.record_check(f"{MODEL}:v1", "accuracy", "pass")
    registry.promote(f"{MODEL}:v1", "staging")
    registry.promote(f"{MODEL}:v0", "production")
    registry.rollback(MODEL, "staging")
    registry.edit(f"{MODEL}:v1", metadata={"note": "of the link"}, description="edited")
    registry.edit_collection(MODEL, description="# A card", owner="ann", task="digits")
    registry.tag(MODEL, ["team-a"])
    registry.tag(f"{MODEL}:v1", ["good"])
    registry.unlink(f"{MODEL}:v2", force=True, reason="wrong one")


def write(folder: Path, text: str) -> Path:
    """Write a file with this text."""
    path = folder / f"{abs(hash(text))}.bin"
    path.write_text(text, encoding="utf-8")
    return path


def rows_of(registry: Registry) -> dict[str, list[str]]:
    """Return every row that a bundle moves, and those made from them; a namespace may have another id there."""
    found: dict[str, list[str]] = {}
    with registry._database.read() as connection:
        tables = {kind: [t.metadata.tables[kind].c[name] for name in fields] for kind, fields in RECORDS.items()}
        tables |= {name: list(table.c) for name, table in _DERIVED.items()} | {"stages": [*t.aliases.c]}
        for name in tables.keys() - {"namespaces"}:
            columns = [column for column in tables[name] if column.name != "namespace_id"]
            found[name] = sorted(
                repr(tuple(row)) for row in connection.execute(sa.select(*columns)) if _moves(name, row)
            )
    return found


def _moves(name: str, row: Any) -> bool:
    """The stream of a registry that is there from the start is not moved."""
    return name != "events" or "/" in row.stream_name


def told(registry: Registry) -> dict[str, Any]:
    """Return what people see of everything: digests, numbers, aliases, stages, history, checks, runs, lineage."""
    seen: dict[str, Any] = {}
    for item in registry.collections():
        versions = registry.versions(item.ref)
        seen[item.ref] = [
            item,
            versions,
            registry.versions(item.ref, deleted=True),
            registry.events(item.ref),
            registry.history(item.ref),
            [registry.files(version.ref).manifest for version in versions],
            [registry.checks(version.ref) for version in versions],
        ]
    for run in registry.runs("digits"):
        seen[run.id] = [run, registry.metrics(run.id), registry.media(run.id), registry.environment(run.id)]
    heads = {head.name: head for head in registry.audit_heads().streams if "/" in head.name}
    return seen | {"heads": heads}
