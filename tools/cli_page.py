"""Write docs/cli.md from the commands themselves: python tools/cli_page.py > docs/cli.md."""

from __future__ import annotations

import re

import click

from podium.cli.main import cli

HEAD = """# The command line

*Made by `tools/cli_page.py` from the commands themselves; a test holds it true.*

Every command takes `--json` (plain JSON on standard output, errors as one JSON line on standard error), `--url`,
`--content` and `--actor` (in place of `PODIUM_URL`, `PODIUM_CONTENT`, `PODIUM_ACTOR`). Tables fit the terminal; in a
pipe, lines are whole. Tab completion of references, models and stages:
`eval "$(_PODIUM_COMPLETE=bash_source podium)"` (or `zsh_source`, `fish_source`).

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | a promotion was refused, a test failed, or stored content is damaged |
| 2 | wrong usage, name, value or settings |
| 3 | not found |
| 4 | somebody else was faster, or it exists already |
| 5 | database, schema, storage or integrity |
| 70 | a bug in Podium; `PODIUM_DEBUG=1` shows the traceback |
"""


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    _add(parts, cli, "podium", depth=1)
    return "\n".join(parts).rstrip() + "\n"


def _add(parts: list[str], command: click.Command, name: str, depth: int) -> None:
    context = click.Context(command, info_name=name, terminal_width=100, max_content_width=100)
    if isinstance(command, click.Group):
        for child in sorted(command.list_commands(context)):
            found = command.get_command(context, child)
            assert found is not None
            _add(parts, found, f"{name} {child}", depth + 1)
        return
    with context:
        text = re.sub(r"[ \t]+$", "", command.get_help(context), flags=re.MULTILINE)
    parts.append(f"## `{name}`\n\n```text\n{text}\n```\n")


if __name__ == "__main__":
    print(page(), end="")
