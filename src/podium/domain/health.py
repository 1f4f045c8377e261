"""How an installation is: what a look at it found, and what setting it up made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from podium.domain.plain import Value

Level = Literal["ok", "warn", "error"]


@dataclass(frozen=True, slots=True)
class Finding(Value):
    """One thing that was looked at.

    Attributes:
        check: What was looked at: ``home, database, schema, clock, content, orphans, ...``.
        level: ``ok``, ``warn`` (it works, and somebody should look), or ``error`` (something fails or is lost).
        message: What was found, as one sentence.
        hint: What to do, as one sentence; empty when there is nothing to do.
        facts: The values that the message is about.
    """

    check: str
    level: Level
    message: str
    hint: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HealthReport(Value):
    """What a look at an installation found.

    Attributes:
        findings: All of them, in the order they were made.
        left_out: Checks that could not be made, because of an error that is among the findings.
    """

    findings: tuple[Finding, ...]
    left_out: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no finding is an error."""
        return not self.of("error")

    def of(self, level: Level) -> tuple[Finding, ...]:
        """Return the findings of one level."""
        return tuple(finding for finding in self.findings if finding.level == level)


@dataclass(frozen=True, slots=True)
class Installation(Value):
    """Where an installation is, and what setting it up made.

    Attributes:
        home: Podium's folder on this machine.
        url: The database, without its password.
        schema: Its revision.
        content: Where contents are kept.
        made: Which of ``home, schema, content`` are new; empty when all stood already.
    """

    home: str
    url: str
    schema: str
    content: str
    made: tuple[str, ...]


def judge_space(free: int, total: int) -> Level:
    """Say whether a disk has room: an error below 200 MB, a warning below 5 % and 20 GB.

    Args:
        free: Bytes that this user may write.
        total: Bytes of the file system.
    """
    if free < 200_000_000:
        return "error"
    return "warn" if free * 20 < total and free < 20_000_000_000 else "ok"


def file_system_of(path: str, mounts: str) -> tuple[str, str]:
    """Return the kind of file system that an absolute path is on, and where that is mounted.

    Args:
        path: The path, links resolved.
        mounts: The text of ``/proc/mounts``; the longest mount point above the path wins, the last of equal ones.

    Returns:
        Such as ``("ext4", "/")``; two empty texts if the mounts do not say.
    """
    kind = point = ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        mounted = _unescaped(fields[1])
        above = path == mounted or path.startswith(mounted.rstrip("/") + "/")
        if above and len(mounted) >= len(point):
            kind, point = fields[2], mounted
    return kind, point


def is_network(kind: str) -> bool:
    """Whether a kind of file system is shared over a network, where locks and shared memory cannot be relied on."""
    return kind.startswith(_NETWORK) or kind.removeprefix("fuse.").startswith(_NETWORK)


# gcsfuse, s3fs, rclone and the like; 9p, virtiofs and drvfs are folders of the host in a virtual machine.
_NETWORK = (
    *("nfs", "cifs", "smb", "afs", "ceph", "gluster", "lustre", "gpfs", "beegfs"),
    *("9p", "virtiofs", "drvfs", "sshfs", "gcsfuse", "s3fs", "goofys", "rclone", "blobfuse"),
)


def _unescaped(text: str) -> str:
    """Read what ``/proc/mounts`` writes for space, tab, line end and backslash."""
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text
