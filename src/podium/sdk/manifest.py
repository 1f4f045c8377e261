"""The manifest of an artifact in the shape that W&B's scripts read."""

from __future__ import annotations

from collections.abc import Iterable

from podium.domain.manifest import Entry, Manifest


class ArtifactManifest:
    """What an artifact is made of.

    Attributes:
        entries: Path inside the artifact to file or reference, sorted by path.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries: dict[str, Entry] = {entry.path: entry for entry in sorted(entries)}

    @property
    def digest(self) -> str:
        """``sha256:...`` of all of them.

        Raises:
            InvalidNameError: Two paths clash.
            InvalidValueError: There is none yet.
        """
        return Manifest.of(self.entries.values()).digest

    @property
    def size(self) -> int:
        """Bytes of all of them together, as far as references know theirs."""
        return sum(entry.size for entry in self.entries.values())

    def __repr__(self) -> str:
        return f"<ArtifactManifest of {len(self.entries)} entries>"
