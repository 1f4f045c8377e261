"""Lineage as Mermaid and as DOT. No text that somebody gave gets out of its quotes, whatever it holds."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from podium.domain.lineage import Lineage, LineageEdge, LineageVersion, Node
from podium.domain.lineage_tree import printable, used_as, utc, words

_PLAIN = frozenset(" /:_.-,")  # beside letters and digits, what means nothing to Mermaid within quotes
_IN_URL = "/:?#[]@!$()*+,;=%&~-._"  # no quote, no backslash, no angle bracket, no space


def draw_mermaid(lineage: Lineage, limit: int | None = None) -> str:
    """Return a Mermaid flow chart from left to right: versions as boxes, runs rounded with a link to their page.

    Args:
        lineage: What to draw.
        limit: Draw at most so many nodes, the nearest; None for all.
    """
    shown = lineage.nearest(limit)
    names = _names(shown)
    lines = ["flowchart LR", *(line for node in shown.nodes for line in _mermaid_node(shown, node, names[node.id]))]
    for edge in shown.edges:
        lines.append(f'    {names[edge.source]} -->|"{mermaid_text(_edge_label(edge))}"| {names[edge.target]}')
    if hidden := len(lineage.nodes) - len(shown.nodes):
        lines += [f'    more["{mermaid_text(_more(hidden))}"]', "    class more gone"]
    lines += ["    classDef root stroke-width:4px", "    classDef gone stroke-dasharray:4 4"]
    return "\n".join(lines)


def _mermaid_node(lineage: Lineage, node: Node, name: str) -> Iterator[str]:
    label = "<br/>".join(mermaid_text(line) for line in _label(node))
    yield f'    {name}["{label}"]' if isinstance(node, LineageVersion) else f'    {name}("{label}")'
    if node.id == lineage.root:
        yield f"    class {name} root"
    if isinstance(node, LineageVersion) and node.deleted_at is not None:
        yield f"    class {name} gone"
    if (url := _web(node)) is not None:
        yield f'    click {name} href "{url}" _blank'


def mermaid_text(text: str) -> str:
    """Return text for a place within quotes: what is no letter, digit or harmless sign as its number, as ``#34;``."""
    return "".join(char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in printable(text))


def draw_dot(lineage: Lineage, limit: int | None = None) -> str:
    """Return a graph in DOT: versions as boxes, runs as ellipses with a link; each edge says its origin as a tooltip.

    Args:
        lineage: What to draw.
        limit: Draw at most so many nodes, the nearest; None for all.
    """
    shown = lineage.nearest(limit)
    names = _names(shown)
    lines = ["digraph lineage {", "  rankdir=LR;", '  node [fontname="sans-serif"];', '  edge [fontname="sans-serif"];']
    lines += [f"  {names[node.id]} [{_dot_node(shown, node)}];" for node in shown.nodes]
    for edge in shown.edges:
        said = f"{edge.origin.label} {edge.at.isoformat()}"
        facts = [f'label="{dot_text(_edge_label(edge))}"', f'tooltip="{dot_text(said)}"', *_dot_link(edge.origin.url)]
        lines.append(f"  {names[edge.source]} -> {names[edge.target]} [{', '.join(facts)}];")
    if hidden := len(lineage.nodes) - len(shown.nodes):
        lines.append(f'  more [shape=plaintext, label="{dot_text(_more(hidden))}"];')
    return "\n".join([*lines, "}"])


def _dot_node(lineage: Lineage, node: Node) -> str:
    styles = ["bold"] if node.id == lineage.root else []
    styles += ["dashed"] if isinstance(node, LineageVersion) and node.deleted_at is not None else []
    label = "\\n".join(dot_text(line) for line in _label(node))
    facts = [f"shape={'box' if isinstance(node, LineageVersion) else 'ellipse'}", f'label="{label}"']
    facts += [f'style="{",".join(styles)}"'] if styles else []
    return ", ".join([*facts, *_dot_link(_web(node))])


def _dot_link(url: str | None) -> list[str]:
    safe = web_address(url)
    return [f'URL="{dot_text(safe, whole=True)}"'] if safe is not None else []


def dot_text(text: str, *, whole: bool = False) -> str:
    """Return text for a place within quotes: Graphviz reads escapes after a backslash there, and entities after ``&``.

    Args:
        text: What somebody gave.
        whole: Whether it is kept however long it is.
    """
    shown = text if whole else printable(text)
    return shown.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def web_address(url: str | None) -> str | None:
    """Return a URL in signs that no language takes for its own, None for what is no page of the web."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return None
    return quote(url, safe=_IN_URL) if known else None


def _web(node: Node) -> str | None:
    return None if isinstance(node, LineageVersion) else web_address(node.origin.url)


def _label(node: Node) -> list[str]:
    """Return the lines of a label; the page of a run is a link and needs no line."""
    return [node.id, *words(node, page=False)]


def _edge_label(edge: LineageEdge) -> str:
    return " ".join(["used" if edge.kind == "input" else "logged", *used_as(edge), utc(edge.at)])


def _names(lineage: Lineage) -> dict[str, str]:
    """Return a name for each node that no language takes for a word of its own."""
    return {node.id: f"n{place}" for place, node in enumerate(lineage.nodes)}


def _more(hidden: int) -> str:
    return f"... {hidden:,} more nodes are not drawn"
