"""Gates on the screen: each with its verdict, the sentence, and the facts that it was decided on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from podium.cli.output import joined, print_rich, styled

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from podium.domain.gates import GateResult

_VERDICTS = {"passed": ("passed", "green"), "failed": ("failed", "bold red"), "pending": ("waiting", "bold yellow")}
_SAID = ("message", "expression")  # they stand in the sentence or in the name of the gate


def print_gates(gates: Sequence[GateResult], *, facts: bool, indent: int = 0) -> None:
    """Print the verdict of each gate, with its facts if they are asked for."""
    from rich.padding import Padding

    print_rich(Padding(gates_table(gates, facts=facts), (0, 0, 0, indent)))


def gates_table(gates: Sequence[GateResult], *, facts: bool) -> Table:
    """Return a table of gates, in the order in which they were asked."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for gate in gates:
        word, style = _VERDICTS.get(gate.verdict, (str(gate.verdict), "bold"))
        grid.add_row(styled(word, style), _told(gate, facts=facts))
    return grid


def gate_name(gate: GateResult) -> str:
    """Return what a gate is called: ``check accuracy``, ``metric accuracy >= 0.9``."""
    return f"{gate.kind} {gate.name}"


def _told(gate: GateResult, *, facts: bool) -> Text:
    parts = [styled(gate_name(gate), "bold"), styled("\n", lines=True), styled(gate.reason)]
    known = "; ".join(f"{name}: {value}" for name, value in flat_facts(gate.facts)) if facts else ""
    if known:
        parts += [styled("\n", lines=True), styled(known, "dim")]
    return joined(*parts)


def flat_facts(facts: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    """Yield names and values of facts by name, without their nesting; what is empty or in the sentence is left out."""
    for key, value in sorted(facts.items()):
        name = f"{place}.{key}" if place else str(key)
        if value in (None, "", [], {}) or (not place and key in _SAID):
            continue
        if isinstance(value, Mapping):
            yield from flat_facts(value, name)
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            yield name, ", ".join(value)
        elif isinstance(value, float):
            yield name, f"{value:.12g}"
        else:
            yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
