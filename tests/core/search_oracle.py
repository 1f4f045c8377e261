"""What a search must find, said in plain Python: values read one by one, and the expression evaluated on them.

Nothing here knows SQL or the compiler. Values come from `versions`, `run`, `checks` and `collection`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from podium.domain.checks import counting_checks
from podium.domain.expressions import Found, matches, read_expression
from podium.domain.runs import RunInfo
from podium.domain.search import COLLECTIONS, RUNS, VERSIONS
from podium.domain.versions import Collection, Version
from podium.registry import Registry

STAGES = ("staging", "production")


class Facts:
    """All that is known of the collections of some namespaces, read once."""

    def __init__(self, registry: Registry, namespaces: list[str]) -> None:
        self.collections = [item for space in namespaces for item in registry.collections(space)]
        self.versions = [item for collection in self.collections for item in registry.versions(collection.ref)]
        self.runs = {item.run: registry.run(item.run) for item in self.versions if item.run is not None}
        self.checks = {item.ref: _newest(registry, item.ref) for item in self.versions}
        self._by_ref = {item.ref: item for item in self.collections}

    def find(self, text: str) -> set[str]:
        """The versions that an expression is true of."""
        expression = read_expression(text, VERSIONS)
        return {v.ref for v in self.versions if matches(expression.condition, lambda found, v=v: self.value(v, found))}

    def find_collections(self, text: str) -> set[str]:
        expression = read_expression(text, COLLECTIONS)
        return {c.ref for c in self.collections if matches(expression.condition, lambda f, c=c: _of_collection(c, f))}

    def find_runs(self, text: str) -> set[str]:
        expression = read_expression(text, RUNS)
        return {r.id for r in self.runs.values() if matches(expression.condition, lambda f, r=r: _of_run(r, f))}

    def value(self, version: Version, found: Found) -> Any:
        namespace, _, name = version.collection.partition("/")
        collection = self._by_ref[version.collection]
        run = self.runs.get(version.run)
        plain: dict[str, Any] = {
            "namespace": namespace,
            "name": name,
            "collection": version.collection,
            "number": version.number,
            "kind": version.kind,
            "type": version.type,
            "alias": version.aliases,
            "stage": [alias for alias in version.aliases if alias in STAGES and version.kind == "model"],
            "tag": version.tags,
            "metric": version.metrics.get(found.key or ""),
            "metadata": list(elements(version.metadata, found.key)),
            "config": list(elements(run.config, found.key)) if run is not None else None,
            "check": self.checks[version.ref].get(found.key or ""),
            "created": version.created_at,
            "created_by": version.created_by,
            "description": version.description,
            "size": version.size,
            "files": version.files,
            "digest": version.digest,
            "source": version.source,
            "collection.tag": collection.tags,
            "collection.owner": collection.owner,
            "collection.task": collection.task,
            "run.id": version.run,
            "run.name": run and run.name,
            "run.status": run and run.status,
            "run.job_type": run and run.job_type,
            "expires": version.expires_at,
            "deleted": version.deleted_at,
        }
        return plain[found.field.name] if found.field.name in plain else _of_origin(version, found)


def _newest(registry: Registry, ref: str) -> dict[str, str]:
    return {name: item.result.status for name, item in counting_checks(registry.checks(ref)).items()}


def _of_origin(item: Any, found: Found) -> Any:
    if found.key is not None:
        return item.origin.details.get(found.key)
    return getattr(item.origin, found.field.name.removeprefix("origin."))


def _of_collection(item: Collection, found: Found) -> Any:
    namespace, _, name = item.ref.partition("/")
    plain: dict[str, Any] = {
        "namespace": namespace,
        "name": name,
        "kind": item.kind,
        "type": item.type,
        "owner": item.owner,
        "task": item.task,
        "tag": item.tags,
        "alias": list(item.aliases),
        "stage": [alias for alias in item.aliases if alias in STAGES and item.kind == "model"],
        "versions": item.versions,
        "description": item.description,
        "created": item.created_at,
        "created_by": item.created_by,
        "deleted": item.deleted_at,
    }
    return plain[found.field.name]


def _of_run(run: RunInfo, found: Found) -> Any:
    value = run.summary.get(found.key or "")
    plain: dict[str, Any] = {
        "id": run.id,
        "project": run.project,
        "name": run.name,
        "status": run.status,
        "job_type": run.job_type,
        "metric": value if isinstance(value, int | float) and not isinstance(value, bool) else None,
        "config": list(elements(run.config, found.key)),
        "steps": run.steps,
        "created": run.started_at,
        "finished": run.finished_at,
    }
    return plain[found.field.name] if found.field.name in plain else _of_origin(run, found)


def elements(document: Any, key: str | None, path: str = "") -> Iterator[Any]:
    """The scalars that stand in a document under a dotted name."""
    if isinstance(document, dict):
        for name, item in document.items():
            yield from elements(item, key, f"{path}.{name}" if path else name)
    elif isinstance(document, list):
        for item in document:
            yield from elements(item, key, path)
    elif document is not None and path == key:
        yield document if abs(document if isinstance(document, int) else 0) < 10**300 else str(document)
