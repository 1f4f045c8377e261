"""The audit beside writers, over histories of older Podiums and damaged rows; queries; who held what when."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from podium.domain.audit import AuditHeads
from podium.errors import ConflictError, InvalidNameError, InvalidValueError, NotFoundError
from podium.usecases.audit import findings
from podium.usecases.audit.verify import verify_audit
from tests.core import tampering as by_hand

MODEL = "model-registry/Digits classifier"
MOMENT = timedelta(microseconds=1)


@pytest.fixture(scope="module")
def told(shared_registry, tmp_path_factory):
    """A model with three versions: v0 was promoted, v2, v0 once more, then nobody. Tests only read, or roll back."""
    folder = tmp_path_factory.mktemp("files")
    for number in range(3):
        (folder / f"m{number}").write_text(f"model {number}")
        shared_registry.log("digits/mlp", folder / f"m{number}", metadata={"lr": 0.1}, metrics={"acc": 0.5})
        shared_registry.link("digits/mlp", MODEL)
    shared_registry.promote(f"{MODEL}:v0", "production", reason="first")
    shared_registry.promote(f"{MODEL}:v2", "production")
    shared_registry.rollback(MODEL, reason="worse")
    shared_registry.set_alias(f"{MODEL}:v1", "best", reason="é <数>")
    shared_registry.unlink(f"{MODEL}:v0", force=True, reason="licence")
    return shared_registry


def test_verify_sees_one_moment(registry, open_at, database_url, linked) -> None:
    """What is written while an audit runs is no finding, and not part of it."""
    linked(registry, 1)
    before = registry.count_events()
    with registry._snapshot() as unit:
        unit.connection.exec_driver_sql("select count(*) from events")  # the moment
        open_at(database_url).tag(MODEL, ["late"])
        report = verify_audit(unit)
    assert (report.events, [finding.text for finding in report.findings]) == (before, [])
    assert registry.count_events() == before + 1


def test_a_name_that_was_several_artifacts(registry, model_file) -> None:
    """Who gave a name up last is who has it, whatever others did with it before."""
    registry.log("p/x", model_file("a"))
    registry.rename("p/x", "y")
    registry.log("p/x", model_file("b"))
    registry.rename("p/x", "z")
    assert registry.verify_audit().ok
    registry.rename("p/z", "x")
    registry.rename("p/x", "X")
    assert registry.verify_audit().ok


def test_progress_ends_at_all_events(told) -> None:
    """Who watches is told how many events are done, up to all of them."""
    steps: list[int] = []
    told.verify_audit(progress=steps.append)
    assert steps == sorted(steps)
    assert steps[-1] == told.count_events()


@pytest.mark.tampers
def test_a_history_of_an_older_podium(told) -> None:
    """Events that say less than today's prove less; what they cannot prove is counted, and no false alarm."""

    def forget(events):
        return [
            replace(event, after={k: v for k, v in event.after.items() if k != "details_sha256"}) for event in events
        ]

    with by_hand.undone(told) as unit:
        for ref in ("digits/mlp", MODEL):
            by_hand.rewrite(unit.connection, by_hand.collection(unit.connection, ref), forget)
        report = verify_audit(unit)
    assert [finding.text for finding in report.findings] == []
    assert report.unproven == 3


@pytest.mark.tampers
def test_a_value_that_cannot_be_read_hides_nothing_else(lite, linked) -> None:
    """A time that is none is a finding, and so is what was done to another stream."""
    linked(lite, 1)
    with lite._database.write() as connection:
        connection.exec_driver_sql("update versions set created_at = 'yesterday'")
        connection.exec_driver_sql("update memberships set created_by = 'mallory' where number = 0")
    kinds = {finding.kind for finding in lite.verify_audit().findings}
    assert kinds == {"unreadable", "state_differs"}


@pytest.mark.tampers
def test_a_registry_altered_all_over_is_told_briefly(told, monkeypatch) -> None:
    """The first findings are kept, all are counted."""
    monkeypatch.setattr(findings, "MOST", 5)
    with by_hand.undone(told) as unit:
        unit.connection.exec_driver_sql("update events set created_by = 'mallory'")
        report = verify_audit(unit)
    assert len(report.findings) == 5
    assert report.found > 20


@pytest.mark.parametrize(
    "alter",
    [
        lambda heads: heads["streams"].pop(),
        lambda heads: heads["streams"][0].update(sequence=1),
        lambda heads: heads["streams"][0].update(hash="0" * 64),
        lambda heads: heads["streams"][0].update(name="p/other"),
        lambda heads: heads["streams"][0].update(more=1),
        lambda heads: heads.update(at="2026-01-01T00:00:00.000000Z"),
        lambda heads: heads.update(at="yesterday"),
        lambda heads: heads.update(digest="sha256:0"),
        lambda heads: heads.update(format=2),
        lambda heads: heads.update(streams=None),
        lambda heads: heads.clear(),
    ],
)
def test_heads_that_were_altered_are_refused(told, alter) -> None:
    """Exported heads that do not give their own digest are no evidence."""
    heads = told.audit_heads().to_json()
    assert AuditHeads.from_json(heads) == AuditHeads.from_json(AuditHeads.from_json(heads).to_json())
    alter(heads)
    with pytest.raises(InvalidValueError, match="heads"):
        told.verify_audit(heads)


@pytest.mark.parametrize("given", [[], "x", 3, {"streams": [1]}])
def test_what_is_no_heads(told, given) -> None:
    """Any other JSON is refused in words."""
    with pytest.raises(InvalidValueError, match="no audit heads"):
        told.verify_audit(given)


QUERIES = {
    "": 14,
    "type = 'model_version.promoted'": 2,
    "type like 'model_version.%' and not type = 'model_version.linked'": 5,
    "after.stage = 'production' and before.number = 0": 2,
    "after.stage = 'production' and before.number is null": 1,
    "after.number in (1, 2) and stream = 'digits/mlp'": 2,
    "after.metrics.acc >= 0.5 and stream = 'digits/mlp'": 3,
    "after.metrics = 0.5": 0,
    "after.reasons is null and type = 'model_version.promoted'": 2,
    "reason is not null": 5,
    "reason like '%<数>'": 1,
    "actor = 'ann' and actor != 'bob'": 14,
    "origin.kind = 'script' and origin.script like 'py%'": 14,
    "at > ago('1h') and at < ago('0s')": 14,
    "at > '2999-01-01'": 0,
    "sequence = 1": 2,
    f"subject = '{MODEL}:best'": 1,
    "after.`no such` = 'x' or sequence = 1": 2,
    "type = 'alias.set' and after.number = '1'": 0,
    'reason = "\'; drop table events; --"': 0,
}


@pytest.mark.parametrize("where", QUERIES)
def test_queries(told, where) -> None:
    """The same expressions find the same events on both databases, in both orders, on pages of any size."""
    newest = [event.id for event in told.audit_events(where, page=4)]
    assert len(newest) == QUERIES[where]
    assert [event.id for event in told.audit_events(where, newest_first=False, page=5)] == newest[::-1]


def test_a_query_between_times(told) -> None:
    """`since` belongs to it, `until` does not."""
    times = sorted({event.at for event in told.audit_events()})
    found = list(told.audit_events(since=times[1], until=times[-1]))
    assert {event.at for event in found} == set(times[1:-1])


@pytest.mark.parametrize(
    "asked",
    [
        {"where": "typ = 'x'"},
        {"where": "type ="},
        {"where": "type = 'model_version.promote'"},
        {"where": 'after.`a"b` = 1'},
        {"limit": 0},
        {"limit": True},
        {"after": "x"},
        {"after": None, "since": datetime(2026, 1, 1)},
        {"until": datetime(2026, 1, 1)},
    ],
)
def test_queries_that_make_no_sense(told, asked) -> None:
    """Each is refused before anything is read."""
    with pytest.raises(InvalidValueError):
        told.audit(**asked)


def test_who_held_a_stage_when(told) -> None:
    """At each moment, from before the first promotion to after the stage was taken away."""
    periods = told.holders(MODEL)
    assert [period.version for period in periods] == ["v0", "v2", "v0", None]
    assert [(period.how, period.reason) for period in periods][2:] == [("rolled_back", "worse"), ("demoted", "licence")]
    assert all(one.until == two.since for one, two in itertools.pairwise(periods))
    assert told.holder(MODEL, at=periods[0].since - MOMENT) is None
    for period in periods:
        assert told.holder(MODEL, at=period.since) == period
        assert told.holder(MODEL, at=(period.until or datetime.now(UTC)) - MOMENT) == period
    assert told.holder(MODEL) == periods[-1]
    assert (periods[-1].ref, periods[0].ref) == (None, f"{MODEL}:v0")


def test_the_holder_is_whom_resolve_names(told) -> None:
    """Both answers about the past are one."""
    for period in told.holders(MODEL, "best") + told.holders(MODEL):
        if period.version is not None:
            assert told.resolve(f"{MODEL}:{period.stage}", at=period.since).version == period.version


def test_a_zone_counts(told) -> None:
    """The same moment in another zone has the same holder."""
    import zoneinfo

    when = told.holders(MODEL)[1].since
    assert told.holder(MODEL, at=when.astimezone(zoneinfo.ZoneInfo("Asia/Kolkata"))).version == "v2"


@pytest.mark.parametrize(
    ("model", "stage", "at", "error"),
    [
        (MODEL, "prodction", None, NotFoundError),
        (MODEL, "latest", None, InvalidNameError),
        (MODEL, "v3", None, InvalidNameError),
        (f"{MODEL}:v0", "production", None, InvalidNameError),
        ("model-registry/None", "production", None, NotFoundError),
        (MODEL, "production", datetime(2026, 1, 1), InvalidValueError),
    ],
)
def test_holders_of_nothing(told, model, stage, at, error) -> None:
    """What names no stage, no model or no moment is refused."""
    with pytest.raises(error):
        told.holder(model, stage, at)


def test_a_stage_that_nobody_held_yet(told) -> None:
    """A stage of the policy without a history has no holder, and that is no error."""
    assert told.holder(MODEL, "staging") is None
    assert told.holders(MODEL, "staging") == []


def test_a_refused_change_leaves_the_audit_clean(told) -> None:
    """What was refused is in no row, and history still adds up."""
    with pytest.raises(ConflictError):
        told.set_alias(f"{MODEL}:v2", "best", expected="v2")
    assert told.verify_audit(told.audit_heads()).ok
