"""What MLflow told, put beside what Podium has: every number, file, alias, stage, tag, metric."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from podium.domain.versions import Version
from podium.registry import Registry
from podium.sql.tables import metadata


def differences(told: Any, registry: Registry, space: str = "model-registry") -> list[str]:
    """Return a line for each thing that is not here as it is in MLflow."""
    found = [
        f"model {name}" for name in {m.ref.partition("/")[2] for m in registry.models(space)} ^ set(told["models"])
    ]
    for name, model in told["models"].items():
        found += [f"{name}: {line}" for line in _of_model(f"{space}/{name}", model, told["runs"], registry)]
    return found + [
        f"run {run}: {line}" for run, facts in told["runs"].items() for line in _of_run(run, facts, registry)
    ]


def rows(registry: Registry) -> dict[str, list[str]]:
    """Return every row of every table."""
    with registry._database.read() as connection:
        return {t.name: sorted(repr(row) for row in connection.execute(sa.select(t))) for t in metadata.sorted_tables}


def _of_model(ref: str, model: Any, runs: Any, registry: Registry) -> Iterator[str]:
    here = registry.model(ref)
    yield from _unequal("description", here.description, model["description"] or None)
    yield from _unequal("tags", set(here.tags), {_label(*pair) for pair in model["tags"].items()})
    yield from _unequal("aliases", dict(here.aliases), _pointers(model))
    versions = {str(version.number): version for version in registry.versions(ref)}
    yield from _unequal("numbers", set(versions), set(model["versions"]))
    for number, version in versions.items():
        facts = model["versions"][number]
        for line in _of_version(version, facts, here.aliases, runs, registry):
            yield f"v{number}: {line}"


def _pointers(model: Any) -> dict[str, int]:
    staged: dict[str, list[tuple[int, int]]] = {}
    for number, version in model["versions"].items():
        if version["stage"] in ("Staging", "Production"):
            staged.setdefault(version["stage"].lower(), []).append((version["updated"], int(number)))
    latest = max((int(number) for number in model["versions"]), default=None)
    newest = {"latest": latest} if latest is not None else {}
    return newest | {stage: max(all_)[1] for stage, all_ in staged.items()} | model["aliases"]


def _of_version(version: Version, facts: Any, aliases: Any, runs: Any, registry: Registry) -> Iterator[str]:
    manifest = registry.files(version.ref).manifest
    yield from _unequal("files", {entry.path: entry.sha256 for entry in manifest.entries}, facts["files"])
    yield from _unequal("description", version.description, facts["description"] or None)
    yield from _unequal("run", version.run, facts["run"] or None)
    tags = {
        key.removeprefix("mlflow.tags."): v for key, v in version.metadata.items() if key.startswith("mlflow.tags.")
    }
    yield from _unequal("MLflow's tags", tags, facts["tags"])
    stage = facts["stage"].lower()
    lost = {f"mlflow-{stage}"} if stage != "none" and aliases.get(stage) != version.number else set()
    wanted = {"checked", f"data-{facts['tags']['data']}"} if "data" in facts["tags"] else set()
    yield from _unequal("tags", set(version.tags), wanted | lost)
    for word, key in (("created", "creation"), ("updated", "last_updated")):
        time = datetime.fromtimestamp(facts[word] / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        yield from _unequal(word, version.metadata[f"mlflow.{key}_time"], time)
    yield from _unequal("source", version.source.rpartition(":")[2], version.version)
    latest = (
        {key: value for key, value in runs[facts["run"]]["latest"].items() if math.isfinite(value)}
        if facts["run"]
        else {}
    )
    yield from _unequal("metrics", dict(version.metrics), latest)


def _of_run(run: str, facts: Any, registry: Registry) -> Iterator[str]:
    here = registry.run(run)
    ends = {"FINISHED": "finished", "FAILED": "failed"}
    yield from _unequal("status", here.status, ends[facts["status"]])
    params = {key: str(value) for key, value in here.config.items() if not key.startswith("mlflow.")}
    yield from _unequal("parameters", params, facts["params"])
    yield from _unequal(
        "summary", {k: str(v) for k, v in here.summary.items()}, {k: _text(v) for k, v in facts["latest"].items()}
    )
    for key, points in facts["history"].items():
        steps = [step for step, _, _ in points]
        kept = len(set(steps)) == len(steps) and min(steps) >= 0
        wanted = [(step if kept else place, _text(value)) for place, (step, _, value) in enumerate(points)]
        yield from _unequal(key, [(point.step, str(point.value)) for point in registry.metrics(run, key)], wanted)
    yield from _unequal("metrics", {point.name for point in registry.metrics(run)}, set(facts["history"]))


def _text(value: float) -> str:
    return "NaN" if math.isnan(value) else str(value)


def _label(key: str, value: str) -> str:
    return key if value == "true" else f"{key}-{value}"


def _unequal(what: str, here: Any, there: Any) -> Iterator[str]:
    if here != there:
        yield f"{what}: {here!r}, in MLflow {there!r}"
