"""The house stays readable: files and functions of a size that a newcomer can hold."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("src", "plugins", "demo", "dags", "flows", "benchmarks", "tools", "tests")
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_over_500_lines_no_function_over_50(path: Path) -> None:
    """A file has at most 500 lines, a function at most 50."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 500
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    lengths = {
        node.name: (node.end_lineno or 0) - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, functions)
    }
    assert {name: length for name, length in lengths.items() if length > 50} == {}
