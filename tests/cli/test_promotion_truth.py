"""The truth table of promotion, row by row, through the command line: the same verdicts for the same reasons."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from click.testing import CliRunner, Result

from podium.cli.main import cli
from podium.plugins.host import PluginHost
from podium.registry import open_registry
from tests.core.promotion_truth import ACTORS, METRICS, ROWS, World, at
from tests.core.test_promotion_truth import _new_database as new_database
from tests.core.test_promotion_truth import holder

PROMOTIONS = [
    number
    for number, row in enumerate(ROWS)
    if row.request.split()[1] == "promote" and row.verdict in ("committed", "refused", "pending", "unchanged")
]
EXITS = {"refused": 1, "permission_denied": 1, "invalid_value": 2, "not_found": 3, "conflict": 4}


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.slow])]
)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Callable[[str], World], list[str]]]:
    """One database for all rows, for Python and as options of the command line; its audit is clean at the end."""
    folder = tmp_path_factory.mktemp("truth")
    content = str(folder / "content")
    with ExitStack() as after:
        url = f"sqlite:///{folder / 'podium.db'}" if request.param == "sqlite" else new_database(request, after)
        opened = {
            actor: after.enter_context(
                closing(open_registry(url, content=content, actor=actor, host=PluginHost(discover=False)))
            )
            for actor in ACTORS
        }
        for number, metrics in enumerate(METRICS):
            (folder / "model.bin").write_text(f"model {number}")
            opened["ann"].log("truth/churn", folder / "model.bin", metrics=metrics)
        yield lambda name: World(opened, name), ["--url", url, "--content", content]
        report = opened["ann"].verify_audit()
        assert report.ok, [finding.text for finding in report.findings]


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[row.name.replace(" ", "_") for row in ROWS])
def test_row(place: tuple[Callable[[str], World], list[str]], number: int) -> None:
    """The command ends with the verdict of the row, for its reasons, with the exit code for it."""
    row, world = ROWS[number], place[0](f"truth{number}")
    world.prepare(row)
    result = ask(world, row.request, place[1])
    verdict, reasons = answer(result)
    assert verdict == row.verdict, result.output
    for said, wanted in zip(reasons, row.reasons, strict=verdict in ("refused", "pending", "unchanged-pending")):
        assert wanted in said
    waits = 6 if " promote " in row.request else 0  # whoever approves has done what they came for
    assert result.exit_code == (waits if verdict.endswith("pending") else EXITS.get(verdict, 0))
    assert holder(world) == row.holder


@pytest.mark.slow
@pytest.mark.parametrize("number", PROMOTIONS, ids=[ROWS[number].name.replace(" ", "_") for number in PROMOTIONS])
def test_a_dry_run_says_what_then_happens(place: tuple[Callable[[str], World], list[str]], number: int) -> None:
    """The gates of a dry run are those of the promotion, it has the same exit code, and it changes nothing."""
    row, world = ROWS[number], place[0](f"dry{number}")
    world.prepare(row)
    before = holder(world)
    planned = ask(world, f"{row.request} dry-run", place[1])
    assert holder(world) == before
    gates = [(gate["kind"], gate["name"], gate["verdict"]) for gate in json.loads(planned.stdout)["gates"]]
    done = ask(world, row.request, place[1])
    found = json.loads(done.stdout) if done.stdout else json.loads(done.stderr)["error"]["facts"]
    assert gates == [(gate["kind"], gate["name"], gate["verdict"]) for gate in found["gates"]]
    assert planned.exit_code == done.exit_code


def ask(world: World, line: str, options: list[str]) -> Result:
    """Carry a request of the table out on the command line."""
    who, verb, *words = shlex.split(line)
    who, _, ago = who.partition("@")
    named = dict(word.split("=", 1) for word in words if "=" in word)
    plain = [word for word in words if "=" not in word]
    given = [verb, world.ref(plain.pop(0)) if verb in ("promote", "approve", "reject", "withdraw") else world.model]
    if verb == "promote":
        given += ["--to", plain.pop(0)]
    elif verb == "rollback" and not plain:
        pass  # production is meant
    else:
        given += ["--stage", plain.pop(0) if plain else "production"]
    given += [f"--{flag}" for flag in plain]
    names = {"person": "on-behalf-of"}
    given += [part for key, value in named.items() for part in (f"--{names.get(key, key)}", value)]
    with at(ago):
        return CliRunner().invoke(cli, [*given, "--json", "--actor", who, *options], prog_name="podium")


def answer(result: Result) -> tuple[str, list[str]]:
    """Return the verdict that a command gave, in the words of the table, with the sentences that say why."""
    if not result.stdout:
        error = json.loads(result.stderr)["error"]
        said = [f"{error['message']} {error['hint']}"]
        return ("refused", error["facts"]["reasons"]) if error["code"] == "promotion_refused" else (error["code"], said)
    made = json.loads(result.stdout)
    waiting = [gate["reason"] for gate in made["gates"] if gate["verdict"] == "pending"]
    if made["status"] == "pending":
        return ("pending" if made["changed"] else "unchanged-pending"), waiting
    failed = [gate["reason"] for gate in made["gates"] if gate["verdict"] == "failed"]
    return (made["status"] if made["changed"] else "unchanged"), failed
