"""What a version is, where it comes from and where its checks ran, as rows of a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from podium.domain.origin import Origin
from podium.reports.facts import VersionFacts
from podium.reports.pages import stamp
from podium.reports.text import plain_text, size_text

_URL = re.compile(r"https?://[!-~]+", re.IGNORECASE)  # a reader may follow it; nothing else is a link


@dataclass(frozen=True, slots=True)
class Said:
    """One row.

    Attributes:
        label: What it is about.
        text: What is said.
        url: Where to look at it, if there is such a page.
        code: Whether it is something to copy.
    """

    label: str
    text: str
    url: str | None = None
    code: bool = False


def about_version(ref: str, digest: str, facts: VersionFacts | None) -> list[Said]:
    """Return the facts of a version; only its name and digest where it is gone."""
    rows = [Said("version", ref), Said("digest", digest, code=True)]
    if facts is None:
        return [*rows, Said("", "The version is not in the registry any more.")]
    version, run = facts.version, facts.run
    if version.source != version.ref:
        rows.append(Said("source", version.source))
    for label, names in (("stages and aliases", version.aliases), ("tags", version.tags)):
        rows += [Said(label, ", ".join(names))] if names else []
    rows.append(Said("size", f"{size_text(version.size)} in {version.files} file{'s' * (version.files != 1)}"))
    rows.append(happened("linked" if version.kind == "model" else "logged", version.created_at, version.created_by))
    if run is not None:
        rows.append(Said("run", f"{run.name} ({run.project}, {run.id}), {run.status}"))
        rows.append(said_by("trained by", run.origin))
        if run.origin != version.origin:
            rows.append(said_by("linked by" if version.kind == "model" else "logged by", version.origin))
    else:
        rows.append(said_by("origin", version.origin))
    return rows


def happened(label: str, at: datetime, actor: str) -> Said:
    """Return a row about who did something when."""
    return Said(label, f"{stamp(at)} by {actor}")


def said_by(label: str, origin: Origin) -> Said:
    """Return a row about an execution, with a link to it if there is a page of it."""
    url = origin.url if origin.url is not None and _URL.fullmatch(origin.url) else None
    return Said(label, origin.label, url)


def about_inputs(facts: VersionFacts | None) -> list[tuple[str, str, str, Said]]:
    """Return what the run of a version used: name, type, digest, and who made it."""
    inputs = facts.inputs if facts is not None else ()
    return [(item.id, item.type, item.digest, said_by("", item.origin)) for item in inputs]


def about_environment(found: Mapping[str, Any]) -> list[Said]:
    """Return where checks ran: Python, platform, Podium, command, revision of the source."""
    return [Said(label, text, code=label == "command") for label, text in _environment(found)]


def packages(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the names and versions of what was installed there."""
    listed = found.get("packages")
    known = listed.items() if isinstance(listed, Mapping) else ()
    return [(name, plain_text(version)) for name, version in sorted(known)]


def _environment(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if found.get("python"):
        yield "Python", plain_text(f"{found.get('implementation', '')} {found['python']}".strip())
    for key, label in (("podium", "Podium"), ("platform", "platform")):
        if found.get(key):
            yield label, plain_text(found[key])
    if found.get("command"):
        yield "command", plain_text(" ".join(map(str, found["command"])))
    git = found.get("git")
    if isinstance(git, Mapping) and git:
        words = [str(git[key]) for key in ("branch", "commit", "remote") if git.get(key)]
        yield "source", plain_text(" · ".join([*words, *(["with changes not committed"] if git.get("dirty") else [])]))
