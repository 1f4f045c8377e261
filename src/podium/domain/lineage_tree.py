"""Lineage as text: the words for a node, and trees that stay readable however many nodes there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from podium.domain.lineage import Lineage, LineageEdge, LineageRun, LineageVersion, Node

Side = Literal["up", "down"]
TITLES: Mapping[Side, str] = {"up": "Made from", "down": "What came of it"}
_WORDS = {
    ("up", "output"): "logged by",
    ("up", "input"): "used",
    ("down", "input"): "used by",
    ("down", "output"): "logged",
}
_LONGEST = 100  # letters of a text that somebody gave
_DEEPEST = 12  # levels of indentation; a chain of a thousand runs must not leave the screen
_INDENT = 3


@dataclass(frozen=True, slots=True)
class TreeLine:
    """One line of a tree.

    Attributes:
        branch: The twigs before it.
        how: How it is connected to the line that it hangs on: ``used``, ``logged by``, ...; empty for the root.
        node: What it shows; None for a title and for what was left out.
        edge: The edge to the line that it hangs on.
        note: What else there is to say: ``(see above)``, how many were left out, or a title.
    """

    branch: str
    how: str = ""
    node: Node | None = None
    edge: LineageEdge | None = None
    note: str = ""

    @property
    def text(self) -> str:
        """The line as plain text, with times in UTC."""
        parts = [f"{self.how} {self.node.id}".strip(), *words(self.node)] if self.node is not None else []
        if self.edge is not None:
            parts += [*used_as(self.edge), utc(self.edge.at)]
        return self.branch + "  ".join([*parts, *([self.note] if self.note else [])])


def draw_trees(lineage: Lineage, limit: int | None = None) -> list[TreeLine]:
    """Return the lines of one tree up and one down, as far as the lineage goes that way.

    Each node is drawn once per tree; where it comes again stands ``(see above)``. Of a graph with more nodes than
    `limit` the nearest are drawn, and where others hang stands how many.
    """
    shown = {node.id for node in lineage.nodes[:limit]}
    asked = f"(asked for as {lineage.ref})" if lineage.ref != lineage.root else ""
    lines = [TreeLine("", node=lineage.node(lineage.root), note=asked)]
    for side in sides(lineage):
        lines += [TreeLine("", note=f"{TITLES[side]}:"), *_grow(lineage, side, shown)]
        if lines[-1].note.endswith(":"):
            lines[-1] = TreeLine("", note=f"{TITLES[side]}: nothing that is known")
    return lines


def sides(lineage: Lineage) -> Sequence[Side]:
    """Return the ways in which a lineage goes."""
    both: tuple[Side, ...] = ("up", "down")
    return both if lineage.direction == "both" else (lineage.direction,)


def _grow(lineage: Lineage, side: Side, shown: set[str]) -> Iterator[TreeLine]:
    """Yield the lines below the root; with a stack of its own, for a chain may be longer than Python's."""
    twigs = _twigs(lineage, side)
    seen = {lineage.root}
    stack = _hang(lineage, twigs, lineage.root, side, shown, "")
    while stack:
        before, last, line = stack.pop()
        mark = "… " if len(before) > _DEEPEST * _INDENT else ""
        branch = mark + before[-_DEEPEST * _INDENT :] + ("└─ " if last else "├─ ")
        if line.node is None:
            yield TreeLine(branch, note=line.note)
            continue
        again = line.node.id in seen
        yield TreeLine(branch, line.how, line.node, line.edge, "(see above)" if again else "")
        if not again:
            seen.add(line.node.id)
            below = before[-(_DEEPEST + 1) * _INDENT :] + ("   " if last else "│  ")
            stack += _hang(lineage, twigs, line.node.id, side, shown, below)


def _twigs(lineage: Lineage, side: Side) -> dict[str, list[LineageEdge]]:
    """Return the edges that lead on from each node, in their order."""
    found: defaultdict[str, list[LineageEdge]] = defaultdict(list)
    for edge in lineage.edges:
        here = edge.target if side == "up" else edge.source
        hops = lineage.node(here).up if side == "up" else lineage.node(here).down
        # In a cycle an edge of one way may touch a node of the other.
        if hops is not None and (lineage.depth is None or hops < lineage.depth):
            found[here].append(edge)
    return found


def _hang(
    lineage: Lineage, twigs: Mapping[str, list[LineageEdge]], here: str, side: Side, shown: set[str], before: str
) -> list[tuple[str, bool, TreeLine]]:
    """Return what hangs on a node, last first, each with the twigs before it and whether it is the last."""
    lines, hidden = [], 0
    for edge in twigs.get(here, ()):
        there = edge.source if side == "up" else edge.target
        if there in shown:
            lines.append(TreeLine("", _WORDS[side, edge.kind], lineage.node(there), edge))
        else:
            hidden += 1
    if hidden:
        kind = "version" if lineage.node(here).kind == "run" else "run"
        lines.append(TreeLine("", note=f"... {hidden:,} more {kind}{'s' if hidden > 1 else ''}"))
    return [(before, place == len(lines) - 1, line) for place, line in reversed(list(enumerate(lines)))]


def words(node: Node, *, page: bool = True) -> list[str]:
    """Return what there is to say about a node besides its id, in texts that print on one line.

    Args:
        node: The node.
        page: Whether the address of the page of a run is said, too.
    """
    if isinstance(node, LineageVersion):
        return _version_words(node)
    return _run_words(node) + ([printable(node.origin.url, 2000)] if page and node.origin.url else [])


def _version_words(node: LineageVersion) -> list[str]:
    found = [node.type, *([f"({', '.join(node.aliases)})"] if node.aliases else [])]
    for place in node.models:
        names = ", ".join([*place.stages, *place.aliases])
        found.append(f"= {place.ref}" + (f" ({names})" if names else ""))
    if node.deleted_at is not None:
        found.append(f"deleted {utc(node.deleted_at)}")
    return [printable(word) for word in found]


def _run_words(node: LineageRun) -> list[str]:
    name = node.name if node.name != node.run else None
    found = [name, node.job_type, node.status, node.origin.label]
    return [shown for word in found if word and (shown := printable(word))]


def used_as(edge: LineageEdge) -> list[str]:
    """Return by which other name a version was used, in a list, empty if by its own."""
    version = edge.source if edge.kind == "input" else edge.target
    return [] if edge.ref == version else [printable(f"as {edge.ref}")]


def printable(text: str, most: int = _LONGEST) -> str:
    """Return a text that somebody gave on one line, with what does not print itself spelled out.

    Args:
        text: The text.
        most: How many letters of it are kept.
    """
    shown = " ".join(text.split())
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in shown)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def utc(time: datetime) -> str:
    """Return a time to the minute, in UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
