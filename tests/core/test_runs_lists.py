"""Lists of runs: by pages and status, and at a cost that does not grow with their histories."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from podium.domain.runs import SILENCE, MetricPoint
from podium.errors import InvalidNameError, InvalidValueError, NotFoundError
from podium.sql import tables as t


@contextmanager
def statements(registry) -> Iterator[list[tuple[str, bool]]]:
    """What is sent to the database meanwhile, and whether it is one statement for many rows."""
    seen: list[tuple[str, bool]] = []

    def note(_connection, _cursor, statement, _parameters, _context, many) -> None:
        seen.append((statement, many))

    engine = registry._database._bare_engine()
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def started(registry) -> Callable[[int], list[str]]:
    """Start so many runs, a minute apart, oldest first."""

    def start(count: int) -> list[str]:
        ids = [registry.start_run("p").id for _ in range(count)]
        with registry._database.write() as connection:
            for at, run in enumerate(ids):
                when = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=at)
                connection.execute(sa.update(t.runs).where(t.runs.c.id == run).values(created_at=when))
        return ids

    return start


def test_pages_by_id(registry, started) -> None:
    """The last run of a page leads to the next; together the pages are all runs, each once."""
    ids = started(5)
    first = registry.runs("p", 2)
    second = registry.runs("p", 2, before=first[-1].id)
    third = registry.runs("p", 2, before=second[-1].id)
    assert [run.id for run in itertools.chain(first, second, third)] == ids[::-1]
    assert registry.runs("p", before=third[-1].id) == []


def test_pages_of_the_same_moment(registry, started) -> None:
    """Runs that were started at the very same time are not skipped between pages."""
    ids = started(4)
    with registry._database.write() as connection:
        connection.execute(sa.update(t.runs).values(created_at=datetime(2026, 1, 1, tzinfo=UTC)))
    first = registry.runs("p", 2)
    second = registry.runs("p", 2, before=first[-1].id)
    assert sorted(run.id for run in [*first, *second]) == sorted(ids)


def test_pages_by_time(registry, started) -> None:
    """Runs from before a time, whatever its zone."""
    ids = started(3)
    zone = datetime(2026, 1, 1, 0, 2, tzinfo=UTC).astimezone()
    assert [run.id for run in registry.runs("p", before=zone)] == [ids[1], ids[0]]


def test_by_status(registry, started) -> None:
    """Only runs that are so now: a crashed one is not running, though nobody wrote it down."""
    ids = started(4)
    registry.finish_run(ids[0])
    registry.finish_run(ids[1], "failed")
    with registry._database.write() as connection:
        silent = datetime.now(UTC) - SILENCE - timedelta(seconds=1)
        connection.execute(sa.update(t.runs).where(t.runs.c.id == ids[2]).values(heartbeat_at=silent))
    wanted = ("finished", "failed", "crashed", "running")
    assert [[run.id for run in registry.runs("p", status=status)] for status in wanted] == [[run] for run in ids]


def test_a_filter_reads_on(registry, started, monkeypatch) -> None:
    """A page of matches is full even if many runs before them do not match."""
    monkeypatch.setattr("podium.usecases.run_history._AT_ONCE", 2)
    ids = started(7)
    with registry._database.write() as connection:
        silent = datetime.now(UTC) - SILENCE - timedelta(seconds=1)
        connection.execute(sa.update(t.runs).where(t.runs.c.id.in_(ids[:2])).values(heartbeat_at=silent))
    assert [run.id for run in registry.runs("p", 2, status="crashed")] == [ids[1], ids[0]]
    assert [run.id for run in registry.runs("p", 1, status="crashed")] == [ids[1]]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"status": "done"}, InvalidValueError),
        ({"limit": 0}, InvalidValueError),
        ({"limit": "3"}, InvalidValueError),
        ({"before": datetime(2026, 1, 1)}, InvalidValueError),
        ({"before": "nosuchrun"}, NotFoundError),
        ({"before": "a b"}, InvalidNameError),
        ({"before": 3}, InvalidNameError),
    ],
    ids=str,
)
def test_questions_that_make_no_sense(registry, given, error) -> None:
    """Each is a typed error."""
    with pytest.raises(error):
        registry.runs("p", **given)


def test_a_page_of_another_project(registry) -> None:
    """A run of another project leads nowhere."""
    run = registry.start_run("q").id
    with pytest.raises(NotFoundError):
        registry.runs("p", before=run)


def test_histories_do_not_slow_the_list(registry, started) -> None:
    """The list asks one question, which names no point, and shows no environment."""
    for run in started(3):
        registry.log_metrics(run, [MetricPoint("loss", step, 1.0) for step in range(1_000)])
    with statements(registry) as seen:
        assert len(registry.runs("p")) == 3
    (question,) = [text for text, _ in seen if "FROM" in text.upper() and "runs" in text]
    assert "run_metrics" not in question


def test_ten_thousand_points_are_written_at_once(registry) -> None:
    """One statement carries them all, whatever their number."""
    run = registry.start_run("p").id
    points = [MetricPoint("loss", step, 1 / (step + 1)) for step in range(10_000)]
    with statements(registry) as seen:
        registry.log_metrics(run, points)
    assert [many for text, many in seen if "run_metrics" in text] == [True]
    assert len(seen) < 10
    assert registry.metrics(run) == points


def test_the_history_of_one_metric(registry) -> None:
    """By its name, and nothing of the others; a name that was never logged has none."""
    run = registry.start_run("p").id
    points = [MetricPoint(name, step, float(step)) for name in ("acc", "loss") for step in range(3)]
    registry.log_metrics(run, points)
    assert registry.metrics(run, "loss") == points[3:]
    assert registry.metrics(run, "nothing") == []
    with pytest.raises(InvalidValueError):
        registry.metrics(run, "a\0")
