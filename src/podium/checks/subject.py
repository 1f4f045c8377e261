"""What a check is given: a version whose files lie in a folder, and everything that is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from podium.domain.origin import Origin
from podium.domain.plain import to_plain
from podium.domain.versions import Version
from podium.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class TestSubject:
    """What a check is given: a version whose files lie in a folder.

    Attributes:
        version: The version as the registry knows it.
        path: The folder with its files.
        config: The configuration of the run that logged it; empty where no run did.
        summary: The last value of each metric of that run.
        goals: Metric to ``minimize`` or ``maximize``, as that run declared it.
        card: The model card: the description of the registered model or artifact, in Markdown.
        data: Name to file or folder, as the test run was told with ``data=``.
        hashes: Path in the version to the SHA-256 of the file, 64 hexadecimal digits.
    """

    __test__ = False  # the name is the field's own; pytest shall not collect it

    version: Version
    path: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    goals: Mapping[str, str] = field(default_factory=dict)
    card: str | None = None
    data: Mapping[str, Path] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)

    @property
    def metrics(self) -> Mapping[str, float]:
        """The metrics that the version was logged with."""
        return self.version.metrics

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata that the version was logged with."""
        return self.version.metadata

    @property
    def tags(self) -> tuple[str, ...]:
        """The labels on the version."""
        return self.version.tags

    @property
    def ref(self) -> str:
        """The version as ``NAMESPACE/NAME:vN``."""
        return self.version.ref

    @property
    def files(self) -> dict[str, Path]:
        """Its files: path in the version, with ``/`` between the parts, to where it lies; sorted."""
        found = (path for path in self.path.rglob("*") if path.is_file())
        return {path.relative_to(self.path).as_posix(): path for path in sorted(found)}

    def file(self, name: str) -> Path:
        """Return where a file lies: one of the version, or one that the test run was given as ``data=``.

        Args:
            name: The path in the version, or a name of ``data``; the version comes first.

        Raises:
            NotFoundError: There is no such file.
        """
        found = self.path / name
        if found.is_file() and found.resolve().is_relative_to(self.path.resolve()):
            return found
        if name in self.data:
            return self.data[name]
        raise NotFoundError(
            f"{self.ref} has no file {name!r}, and the test run was given no data of this name.",
            hint=f"It has {', '.join([*list(self.files)[:10], *self.data]) or 'no files'}.",
            path=name,
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON, for another process of this machine."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TestSubject:
        """Build it from what `to_json` gave."""
        return cls(
            version=_version(data["version"]),
            path=Path(data["path"]),
            config=data["config"],
            summary=data["summary"],
            goals=data["goals"],
            card=data["card"],
            data={name: Path(path) for name, path in data["data"].items()},
            hashes=data["hashes"],
        )


def _version(data: Mapping[str, Any]) -> Version:
    times = ("created_at", "expires_at", "deleted_at")
    lists = ("aliases", "tags")
    return Version(
        **{
            **data,
            **{name: datetime.fromisoformat(data[name]) for name in times if data.get(name)},
            **{name: tuple(data[name]) for name in lists},
            "origin": Origin.from_json(data["origin"]),
        }
    )
