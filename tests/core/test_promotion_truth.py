"""The truth table of promotion, row by row, through Python."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from podium.domain.transitions import Transition
from podium.errors import NotFoundError, PodiumError, PromotionRefusedError
from podium.registry import Registry
from tests.conftest import _execute, _with_database
from tests.core.promotion_truth import ROWS, Row, World, opened_worlds


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def worlds(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[int], World]]:
    """One database for all rows; each row gets a registry of its own in it."""
    folder = tmp_path_factory.mktemp("truth")
    with ExitStack() as after:
        url = None if request.param == "sqlite" else _new_database(request, after)
        opened = after.enter_context(opened_worlds(folder, url))
        yield lambda number: World(opened, f"truth{number}")
        report = opened["ann"].verify_audit()
        assert report.ok, [finding.text for finding in report.findings]


def _new_database(request: pytest.FixtureRequest, after: ExitStack) -> str:
    server, template = (request.getfixturevalue(name) for name in ("pg_server", "pg_template"))
    name = f"podium_{uuid.uuid4().hex[:12]}"
    _execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    after.callback(_execute, server, f'DROP DATABASE "{name}" WITH (FORCE)')
    return _with_database(server, name)


def test_the_table_is_large_and_names_each_row_once() -> None:
    """At least 150 rows, no two of one name."""
    assert len(ROWS) >= 150
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[row.name.replace(" ", "_") for row in ROWS])
def test_row(worlds: Callable[[int], World], number: int) -> None:
    """The request ends with the verdict of the row, for the reasons of the row, and the stage is held as it says."""
    row, world = ROWS[number], worlds(number)
    world.prepare(row)
    verdict, reasons = answer(world, row)
    assert verdict == row.verdict, reasons
    for said, wanted in zip(reasons, row.reasons, strict=verdict in ("refused", "pending", "unchanged-pending")):
        assert wanted in said
    assert holder(world) == row.holder


def answer(world: World, row: Row) -> tuple[str, list[str]]:
    """Carry the request out, and return its verdict with the sentences that say why."""
    try:
        made: Transition = world.do(row.request)
    except PromotionRefusedError as error:
        return "refused", list(error.reasons)
    except PodiumError as error:
        return error.code, [str(error)]
    if made.status == "pending":
        return ("pending" if made.changed else "unchanged-pending"), list(made.waiting_for)
    return (made.status if made.changed else "unchanged"), list(made.reasons)


def holder(world: World) -> int | None:
    """Who holds production afterwards."""
    registry: Registry = world.registries["eve"]
    try:
        return registry.resolve(f"{world.model}:production").number
    except NotFoundError:
        return None
