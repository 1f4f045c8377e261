"""The records of a bundle: what kinds there are, their fields, and the one way in which each is written as a line.

The names of the kinds and fields are those of the tables they come from. They are written down here all the same, and
not read from the tables: the format of bundles must not change by itself when a table does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from podium.domain.plain import canonical, iso

_WHO = {"created_at": "time", "created_by": "text"}
_PLACE = {"collection_id": "uuid", "number": "whole"}
_STREAM = {"sequence": "whole", "head": "text"}

# Kind of record to its fields, in the order in which they stand in a bundle. A question mark: may be null.
RECORDS: dict[str, dict[str, str]] = {
    "namespaces": {"id": "uuid", "name": "text", "kind": "text", "description": "text?", "types": "json?"}
    | _STREAM
    | _WHO,
    "collections": {"id": "uuid", "namespace_id": "uuid", "name": "text", "name_key": "text", "kind": "text"}
    | {"type": "text", "description": "text?", "owner": "text?", "task": "text?", "next_number": "whole"}
    | {"live": "whole", "latest": "whole?", "deleted_at": "time?"}
    | _STREAM
    | _WHO,
    "former_names": {"namespace_id": "uuid", "name_key": "text", "collection_id": "uuid", "next_number": "whole"}
    | _WHO,
    "collection_tags": {"collection_id": "uuid", "name": "text"} | _WHO,
    "runs": {"id": "text", "namespace_id": "uuid", "name": "text", "status": "text", "job_type": "text?"}
    | {"config": "json", "summary": "json", "steps": "whole", "origin": "json", "environment": "json"}
    | {"goals": "json", "heartbeat_at": "time?", "finished_at": "time?"}
    | _WHO,
    "run_metrics": {"run_id": "text", "name": "text", "step": "whole", "value": "number?", "text": "text?"},
    "run_media": {"run_id": "text", "name": "text", "step": "whole", "kind": "text", "digest": "text"}
    | {"details": "json", "created_at": "time"},
    "versions": {"id": "uuid", "collection_id": "uuid", "number": "whole", "digest": "text", "metadata": "json"}
    | {"description": "text?", "run_id": "text?", "identity": "text?", "supersedes": "whole?", "origin": "json"}
    | {"expires_at": "time?", "deleted_at": "time?", "purged_at": "time?"}
    | _WHO,
    "version_metrics": {"version_id": "uuid", "name": "text", "value": "number"},
    "manifests": {"digest": "text", "size": "whole", "files": "whole"},
    "manifest_entries": {"digest": "text", "path": "text", "size": "whole", "sha256": "text", "uri": "text?"}
    | {"integrity": "text?", "etag": "text?"},
    "memberships": _PLACE
    | {"version_id": "uuid", "metadata": "json?", "description": "text?", "origin": "json", "deleted_at": "time?"}
    | _WHO,
    "version_tags": _PLACE | {"name": "text"} | _WHO,
    "aliases": {"collection_id": "uuid", "name": "text", "number": "whole"},
    "alias_moves": {"id": "uuid", "collection_id": "uuid", "name": "text", "revision": "whole", "kind": "text"}
    | {"before": "whole?", "after": "whole?", "reason": "text?", "origin": "json"}
    | _WHO,
    "run_versions": {"run_id": "text", "version_id": "uuid", "direction": "text", "ref": "text", "created_at": "time"},
    "checks": {"id": "uuid", "collection_id": "uuid", "version_id": "uuid", "number": "whole", "digest": "text"}
    | {"name": "text", "sequence": "whole", "status": "text", "severity": "text", "message": "text"}
    | {"metrics": "json", "duration": "number", "suite": "text?", "origin": "json"}
    | _WHO,
    "policies": {"id": "uuid", "namespace_id": "uuid", "collection_id": "uuid?", "revision": "whole", "body": "json"}
    | {"pattern": "text?", "fits": "text?", "weight": "whole", "current": "truth"}
    | _WHO,
    "transitions": {"id": "uuid", "collection_id": "uuid", "stage": "text", "number": "whole", "digest": "text"}
    | {"before": "whole?", "status": "text", "kind": "text", "gates": "json", "reason": "text?"}
    | {"forced": "truth", "request_key": "text?", "policy": "json?", "expires_at": "time?", "ended_at": "time?"}
    | {"ended_by": "text?", "outcome": "text?", "origin": "json"}
    | _WHO,
    "approvals": {"transition_id": "uuid", "position": "whole", "person": "text", "decision": "text"}
    | {"comment": "text?", "origin": "json"}
    | _WHO,
    "freezes": {"id": "uuid", "namespace_id": "uuid", "collection_id": "uuid?", "stage": "text?", "reason": "text"}
    | {"until": "time?", "ended_at": "time?", "ended_by": "text?", "ended_reason": "text?", "origin": "json"}
    | _WHO,
    "roles": {"namespace_id": "uuid", "person_key": "text", "role": "text", "person": "text"} | _WHO,
    "events": {"id": "uuid", "stream": "uuid", "stream_name": "text", "sequence": "whole", "type": "text"}
    | {"subject": "text", "before": "json", "after": "json", "reason": "text?", "origin": "json"}
    | {"previous": "text", "hash": "text"}
    | _WHO,
}
_WHOLES = 2**63  # what a column of 64 bits holds
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def record_member(kind: str) -> str:
    """Return the name of the member that holds the records of a kind."""
    return f"records/{kind}.jsonl"


def write_record(kind: str, record: Mapping[str, Any]) -> bytes:
    """Return a record as one line: canonical JSON, so that there is one way only to write it."""
    plain = {name: _to_plain(record[name]) for name in RECORDS[kind]}
    return canonical(plain).encode("utf-8") + b"\n"


def read_record(kind: str, line: bytes, *, known: bool = False) -> dict[str, Any]:
    """Return the record of a line: identifiers, times and numbers as such.

    Args:
        kind: One of `RECORDS`.
        line: The line.
        known: Whether the line was read before, and need not be held against the one way to write it again.

    Raises:
        ValueError: The line is not what `write_record` writes; the text says why.
    """
    plain = json.loads(line) if known else read_line(line)
    fields = RECORDS[kind]
    if plain.keys() != fields.keys():
        odd = ", ".join(sorted(plain.keys() ^ fields.keys()))
        raise ValueError(f"it lacks fields or has unknown ones: {odd}")
    return {name: _from_plain(name, plain[name], kind_of_value) for name, kind_of_value in fields.items()}


def write_content_line(sha256: str, size: int) -> bytes:
    """Return the line of `CONTENTS` for a content."""
    return canonical({"sha256": sha256, "size": size}).encode("utf-8") + b"\n"


def read_content_line(line: bytes) -> tuple[str, int]:
    """Return the SHA-256 and the size of a content from its line.

    Raises:
        ValueError: The line is not what `write_content_line` writes.
    """
    plain = read_line(line)
    sha256, size = plain.get("sha256"), plain.get("size")
    if plain.keys() != {"sha256", "size"} or not is_sha256(sha256) or not is_whole(size):
        raise ValueError("it is no content")
    return plain["sha256"], plain["size"]


def is_sha256(text: Any) -> bool:
    """Whether a value is 64 hexadecimal digits; it becomes part of a path, so nothing else is let through."""
    return isinstance(text, str) and len(text) == 64 and not set(text) - set("0123456789abcdef")


def read_line(line: bytes) -> dict[str, Any]:
    """Return the object of a line that is written in the one canonical way.

    Raises:
        ValueError: It is not.
    """
    try:
        plain = json.loads(line)
        again = canonical(plain).encode("utf-8") + b"\n"
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    if not isinstance(plain, dict) or again != line:
        raise ValueError("it is not canonical JSON")
    if b"\\u0000" in line and "\0" in _texts(plain):
        raise ValueError("it holds a NUL character")
    return plain


def _texts(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join(key + _texts(item) for key, item in value.items())
    return "".join(map(_texts, value)) if isinstance(value, list) else ""


def _to_plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _from_plain(name: str, value: Any, kind: str) -> Any:
    if value is None and kind.endswith("?"):
        return None
    try:
        return _READERS[kind.rstrip("?")](value)
    except (ValueError, TypeError, AttributeError):
        raise ValueError(f"{name} is no {kind.rstrip('?')}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _uuid(value: Any) -> UUID:
    found = UUID(_text(value))
    if str(found) != value:
        raise ValueError
    return found


def _time(value: Any) -> datetime:
    found = datetime.fromisoformat(_text(value))
    if iso(found) != value:
        raise ValueError
    return found


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number from 0 on that every database can store."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _WHOLES


def _whole(value: Any) -> int:
    if not is_whole(value):
        raise ValueError
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, str):
        return _NOT_FINITE[value] if value in _NOT_FINITE else float("")
    if not isinstance(value, float):
        raise TypeError
    return value


def _json(value: Any) -> Any:
    if not isinstance(value, dict | list):
        raise TypeError
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


_READERS: Mapping[str, Any] = {
    "text": _text,
    "uuid": _uuid,
    "time": _time,
    "whole": _whole,
    "number": _number,
    "json": _json,
    "truth": _truth,
}
