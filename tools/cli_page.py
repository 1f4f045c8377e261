"""Write docs/cli.md from the commands themselves: python tools/cli_page.py > docs/cli.md."""

from __future__ import annotations

import re

import click

from podium.cli.errors import EXITS
from podium.cli.main import COMMANDS, cli

HEAD = """# The command line

*Made by `tools/cli_page.py` from the commands themselves; a test holds it true.*

Every command takes `--json` (plain JSON on standard output and nothing else, errors as one JSON line on standard
error), `--url`, `--content` and `--actor` (in place of `PODIUM_URL`, `PODIUM_CONTENT`, `PODIUM_ACTOR`). They stand
before or after the command.

- A *reference* is `PROJECT/ARTIFACT` or `REGISTRY/MODEL`, then `:vN` or `:ALIAS`; without it the latest version is
  meant. `edit`, `tag`, `delete` and `restore` take a name without `:` for the artifact or model as a whole.
- Times are `90s`, `45m`, `12h`, `30d`, `8w`. Metadata is `KEY=TEXT`, or `KEY:=JSON` for what is no text.
- What takes away asks on a terminal (`delete`, `db downgrade`) or only shows what would go (`expire`). Where nobody can
  answer (a pipe, a cron job, `--json`) it wants `--yes`, and ends with exit code 2 without it. `unlink` does not ask:
  it can be undone by `restore`.
- Long work shows bytes, speed and time left on standard error, on a terminal only, and never with `--json`.
- Tables fit the terminal; in a pipe, lines are whole and without colours. `NO_COLOR=1` is honoured.
- Tab completes commands, references, versions, aliases, stages, tags and registries:
  `eval "$(_PODIUM_COMPLETE=bash_source podium)"` (or `zsh_source`, `fish_source`).

| exit code | meaning |
|---|---|
"""


def page() -> str:
    """Return the page."""
    codes = "".join(f"| {code} | {meaning} |\n" for code, (meaning, _) in EXITS.items())
    parts = [HEAD + codes]
    context = click.Context(cli, info_name="podium")
    for title, section in COMMANDS.items():
        parts.append(f"## {title}\n")
        for name in section:
            command = cli.get_command(context, name)
            assert command is not None
            _add(parts, command, f"podium {name}")
    return "\n".join(parts).rstrip() + "\n"


def _add(parts: list[str], command: click.Command, name: str) -> None:
    context = click.Context(command, info_name=name, terminal_width=100, max_content_width=100)
    if isinstance(command, click.Group):
        for child in sorted(command.list_commands(context)):
            found = command.get_command(context, child)
            assert found is not None
            _add(parts, found, f"{name} {child}")
        return
    with context:
        text = re.sub(r"[ \t]+$", "", command.get_help(context), flags=re.MULTILINE)
    text = re.sub(r"\n\nGlobal options:\n(  .*\n?)+", "\n", text)  # said once, above
    parts.append(f"### `{name}`\n\n```text\n{text.rstrip()}\n```\n")


if __name__ == "__main__":
    print(page(), end="")
