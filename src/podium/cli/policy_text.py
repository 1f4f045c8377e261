"""Policies for people: files with their mistakes, stages in words, revisions and what changed between them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from podium.cli.given import read_text
from podium.cli.output import Column, joined, make_console, print_rich, print_table, styled
from podium.errors import InvalidNameError, InvalidValueError, PodiumError

if TYPE_CHECKING:
    from podium.domain.policies import ApprovalRule, Policy, RequiredCheck, Stage

_KEY = re.compile(r"([\w.-]+)['\"]?\s*:(?=\s|$)")
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def read_policy(file: str) -> Policy:
    """Return the policy of a file, ``-`` for standard input.

    Raises:
        InvalidNameError, InvalidValueError: It is none; ``line`` and ``line_column`` say where, ``excerpt`` shows it.
        NotFoundError: There is no such file.
    """
    from podium.domain.policies import Policy

    text = read_text(file, "FILE")
    with pointing_into(text):
        return Policy.from_yaml(text, "standard input" if file == "-" else file)


@contextmanager
def pointing_into(text: str, shown: Collection[str] | None = None) -> Iterator[None]:
    """Give each error about a file, and its ``others``, the line that is meant as ``excerpt``, with a caret below.

    Args:
        text: The file.
        shown: The keys whose values are shown; all if None. Behind any other may be a secret that should not be there.
    """
    try:
        yield
    except (InvalidNameError, InvalidValueError) as error:
        lines = text.splitlines()
        for each in (error, *error.facts.get("others", ())):
            line = each.facts.get("line", 0)
            if not 0 < line <= len(lines) or "column" in each.facts:  # an expression shows itself
                continue
            said = lines[line - 1].replace(chr(9), " ")
            said = said if shown is None else _without_values(said, each, shown)
            if said:
                caret = " " * (each.facts["line_column"] - 1) + "^"
                each.facts["excerpt"] = f"{line:>5} | {said}\n      | {caret}"
        raise


def _without_values(line: str, error: PodiumError, shown: Collection[str]) -> str:
    """Return a line without what stands behind keys that are not shown; nothing if that cannot be told apart."""
    keys = _KEY.findall(line)
    if "settings" in error.facts.get("path", ()):
        return ""
    if all(key in shown for key in keys):
        return line
    key = _KEY.search(line)
    return f"{line[: key.end()]} ..." if key is not None and len(keys) == 1 else ""


def stages_text(policy: Policy) -> str:
    """Return the names of the stages in order."""
    return " -> ".join(policy.names)


def print_policy(policy: Policy) -> None:
    """Print the stages of a policy with all that each asks for."""
    columns = [Column("Stage"), Column("Comes from"), Column("What it asks for", fold=True)]
    rows = []
    for stage in policy.stages:
        asked: list[Any] = []
        for line in _asked(stage) or ["nothing"]:
            asked += [styled("\n", lines=True), styled(line)]
        rows.append((styled(stage.name, "bold"), stage.from_stage or "any", joined(*asked[1:])))
    print_table(columns, rows)


def print_yaml(policy: Policy) -> None:
    """Print a policy as YAML that reads as the same policy, on a terminal too."""
    text = policy.to_yaml()
    if not all(char.isprintable() or char == "\n" for char in text):
        import yaml

        text = yaml.safe_dump(policy.to_json(), sort_keys=False, allow_unicode=False, width=100)
    click.echo(text, nl=False)


def print_diff(text: str) -> None:
    """Print a unified diff, in colours on a terminal."""
    parts = []
    for line in text.splitlines():
        parts += [styled("\n", lines=True), styled(line, _DIFF_STYLES.get(line[:1], ""))]
    if parts and make_console().is_terminal:
        print_rich(joined(*parts[1:]))
    elif parts:
        click.echo(joined(*parts[1:]).plain)


def _asked(stage: Stage) -> list[str]:
    return [
        *(_check(check) for check in stage.required),
        *stage.metrics,
        *([_approvals(stage.approvals)] if stage.approvals is not None else []),
        *(f"closed {each.start} to {each.end} ({each.timezone}): {each.reason}" for each in stage.freeze),
        *(f"gate plugin {name}" for name in stage.plugins),
        *([f"(who loses it becomes {stage.archive_as})"] if stage.archive_as is not None else []),
    ]


def _check(check: RequiredCheck) -> str:
    words = {"error": "even where the check only warns", "warn": "only warns"}
    more = [f"at most {check.max_age} old"] if check.max_age is not None else []
    more += [words[check.severity]] if check.severity is not None else []
    return f"check {check.name}" + (f" ({', '.join(more)})" if more else "")


def _approvals(rule: ApprovalRule) -> str:
    return ", ".join(_rule(rule))


def _rule(rule: ApprovalRule) -> Iterator[str]:
    whose = f" of {' or '.join(rule.roles)}" if rule.roles else ""
    yield f"{rule.count} approval{'' if rule.count == 1 else 's'}{whose}"
    yield "not by the author" if rule.not_author else "also by the author"
    if rule.expires is not None:
        yield f"within {rule.expires}"
