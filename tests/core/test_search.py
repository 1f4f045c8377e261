"""Searching: pages, orders, places to go on, and what is kept so that it can be found."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import podium
from podium.domain.expressions import ExpressionError
from podium.domain.runs import MetricPoint
from podium.errors import InvalidValueError
from podium.registry import Registry
from podium.usecases.search import finding

MODEL = "model-registry/Digits"
LARGE = "memberships|driven|versions|version_metrics|sorted_by|version_tags|aliases|version_fields|manifests"
File = Callable[[str], Path]


@pytest.fixture
def shelf(registry: Registry, model_file: File) -> Registry:
    """Seven versions: metrics of some, equal and missing ones among them, metadata of several types."""
    metrics = [{"a": 3.0}, {"a": 1.0}, {}, {"a": 2.0}, {"a": 1.0}, {}, {"a": -1.0}]
    values = [{"x": 2}, {"x": "b"}, {"x": [1, 2]}, {"x": "a"}, {"x": 1.5}, {}, {"x": True}]
    for number, (numbers, metadata) in enumerate(zip(metrics, values, strict=True)):
        registry.log("digits/mlp", model_file(f"{number}" * (7 - number)), metrics=numbers, metadata=metadata)
    return registry


def numbers(items: Any) -> list[int]:
    return [item.number for item in items]


def pages(registry: Registry, where: str = "", limit: int = 2, **more: Any) -> list[list[int]]:
    found, after = [], None
    while True:
        page = registry.search(where, limit=limit, after=after, **more)
        found.append(numbers(page.items))
        if (after := page.next) is None:
            return found


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("-created", [6, 5, 4, 3, 2, 1, 0]),
        ("created", [0, 1, 2, 3, 4, 5, 6]),
        ("-metric.a", [0, 3, 4, 1, 6, 5, 2]),
        ("metric.a", [6, 1, 4, 3, 0, 2, 5]),
        ("metadata.x", [4, 0, 3, 1, 2, 5, 6]),
        ("-metadata.x", [0, 4, 1, 3, 6, 5, 2]),
        ("size", [6, 5, 4, 3, 2, 1, 0]),
        ("-number", [6, 5, 4, 3, 2, 1, 0]),
        ("source", [0, 1, 2, 3, 4, 5, 6]),
        ("-description", [6, 5, 4, 3, 2, 1, 0]),
    ],
)
def test_orders(shelf: Registry, order: str, expected: list[int]) -> None:
    """Any field with one value gives an order, missing values last, and pages of any size follow it."""
    assert numbers(shelf.search(order_by=order).items) == expected
    for limit in (1, 2, 3):
        assert [item for page in pages(shelf, limit=limit, order_by=order) for item in page] == expected


def test_an_order_of_texts_is_that_of_their_code_points(registry: Registry, model_file: File) -> None:
    """Both databases sort texts alike: capital letters before small ones, then other scripts."""
    for name in ("b", "A", "B", "a", "_x"[1:], "Z"):
        registry.log(f"digits/{name}", model_file(name))
    assert [item.ref for item in registry.search_artifacts().items] == [f"digits/{n}" for n in "ABZabx"]
    found = [item.collection for item in registry.search(order_by="-name").items]
    assert found == [f"digits/{n}" for n in "xbaZBA"]


def test_an_empty_page_ends(shelf: Registry) -> None:
    """Where nothing fits there is an empty page without a next one."""
    page = shelf.search("tag = 'none'")
    assert (page.items, page.next) == ((), None)


def test_a_full_last_page_has_no_next(shelf: Registry) -> None:
    """The last page says that it is the last, also when it is full."""
    assert [len(page) for page in pages(shelf, limit=7)] == [7]


def test_what_comes_and_goes_meanwhile(shelf: Registry, model_file: File) -> None:
    """What is there all the time comes exactly once, though rows come and go between two pages."""
    first = shelf.search(limit=3)
    shelf.log("digits/mlp", model_file("new"))
    shelf.delete("digits/mlp:v4")
    shelf.delete("digits/mlp:v2")
    rest = shelf.search(limit=10, after=first.next)
    assert numbers(first.items) + numbers(rest.items) == [6, 5, 4, 3, 1, 0]


def test_the_iterator_pages_by_itself(shelf: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """`find` yields everything across pages."""
    monkeypatch.setattr("podium.registry.search._PAGE", 2)
    assert [item.number for item in shelf.find("metric.a is not null", order_by="number")] == [0, 1, 3, 4, 6]
    assert [item.ref for item in shelf.find_models()] == []
    assert list(shelf.find_runs()) == []


@pytest.mark.parametrize("few", [0, 1000])
def test_both_ways_find_the_same(shelf: Registry, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    """Walking in order, and starting from an index, find the same in the same order, page by page."""
    monkeypatch.setattr(finding, "_FEW", few)
    shelf.tag("digits/mlp:v0", ["t"])
    shelf.tag("digits/mlp:v4", ["t", "u"])
    shelf.set_alias("digits/mlp:v4", "best")
    for where, expected in {
        "tag = 't'": [[4, 0]],
        "tag in ('t', 'u') and metric.a > 0": [[4, 0]],
        "metric.a = 1": [[4, 1]],
        "metric.a < 10": [[6, 4], [3, 1], [0]],
        "alias = 'best' and tag = 't'": [[4]],
        "metadata.x = 'b' or metadata.x = 2": [[2, 1], [0]],
        "metadata.x = 2": [[2, 0]],
        "metadata.x > 1": [[4, 2], [0]],
        "metadata.x like 'b%'": [[1]],
        "name like 'ml%' and number > 4": [[6, 5]],
        "created_by = 'ann' and number < 1": [[0]],
    }.items():
        assert pages(shelf, where) == expected, where
    assert pages(shelf, "metric.a < 10", order_by="-metric.a") == [[0, 3], [4, 1], [6]]
    assert pages(shelf, "number < 5", order_by="metric.a") == [[1, 4], [3, 0], [2]]


@pytest.mark.parametrize("few", [0, 1000])
def test_no_search_reads_a_whole_table(
    lite: Registry, model_file: File, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """What has an index is answered from it, or in the order of one: no plan of SQLite's scans a large table."""
    monkeypatch.setattr(finding, "_FEW", few)
    lite.log("digits/mlp", model_file("a"), metrics={"a": 1}, metadata={"x": "b"}, tags=["t"], aliases=["best"])
    asked: list[tuple[str, Any]] = []
    engine = lite._database._ready_engine()
    sa.event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2:4]))
    for where in ("", "tag = 't'", "alias = 'best'", "metric.a >= 0.5", "metadata.x = 'b'", "created_by = 'ann'"):
        for order in ("-created", "-metric.a"):
            first = lite.search(where, order_by=order, limit=1)
            assert len(first.items) == 1
    with engine.connect() as connection:
        plans = [
            row[3]
            for text, values in asked
            if text.startswith(("SELECT", "WITH"))
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
        ]
    assert len(plans) > 50
    assert [line for line in plans if re.fullmatch(rf"SCAN ({LARGE})( AS \w+)?", line)] == []


def test_a_place_belongs_to_its_search(shelf: Registry) -> None:
    """A place is refused for another expression, kind, order or subject, and when it was made up."""
    place = shelf.search(limit=2).next
    assert place is not None
    for other in ({"where": "number > 0"}, {"order_by": "created"}, {"kind": "model"}):
        with pytest.raises(InvalidValueError, match="another search"):
            shelf.search(**other, after=place)  # type: ignore[arg-type]  # each of them is one argument
    with pytest.raises(InvalidValueError, match="another search"):
        shelf.search_runs(after=place)
    for made_up in ("", "x", place[:-4], "W10", "A" * 50_000, "\ud800", "WyJhIiwgMSwgMiwgM10"):
        with pytest.raises(InvalidValueError):
            shelf.search(after=made_up)


def test_a_place_with_other_values_is_refused(shelf: Registry) -> None:
    """A place of the right search whose values have wrong types never reaches the database."""
    from podium.usecases.search.cursors import Cursor, read_cursor, write_cursor
    from podium.usecases.search.finding import question_of

    place = shelf.search(limit=2).next
    assert place is not None
    question = question_of("versions", "", None, "-created")
    good = read_cursor(place, question)
    for values in ((), good.values[:2], ("x", *good.values[1:]), (*good.values[:2], 1.5), (*good.values, 1)):
        with pytest.raises(InvalidValueError):
            shelf.search(after=write_cursor(Cursor(question, good.now, 0, values)))
    with pytest.raises(InvalidValueError):
        shelf.search(after=write_cursor(Cursor(question, good.now, 7, good.values)))


def test_the_limit_may_change_on_the_way(shelf: Registry) -> None:
    """Only the size of the next page may differ from that of the page before."""
    place = shelf.search(limit=2).next
    assert numbers(shelf.search(limit=4, after=place).items) == [4, 3, 2, 1]


@pytest.mark.parametrize("limit", [0, -1, 10_001, True, "5", 1.5])
def test_a_limit_that_is_none(registry: Registry, limit: Any) -> None:
    """A page has 1 to 10,000 items."""
    with pytest.raises(InvalidValueError, match="size of a page"):
        registry.search(limit=limit)


def test_wrong_arguments(registry: Registry) -> None:
    """An unknown kind, an order by a set, by nothing, or by what is no text, are each refused with a hint."""
    with pytest.raises(InvalidValueError, match="artifact"):
        registry.search(kind="run")  # type: ignore[arg-type]  # that is the point
    for order in ("tag", "", "-", "metadata", "created desc", "nmae", "--created"):
        with pytest.raises(ExpressionError):
            registry.search(order_by=order)
    with pytest.raises(InvalidValueError):
        registry.search(order_by=None)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(InvalidValueError):
        registry.search(None)  # type: ignore[arg-type]  # that is the point


def test_deleted_versions_are_found_when_asked_for(shelf: Registry) -> None:
    """What was deleted is not found, unless the expression names the field ``deleted``."""
    shelf.delete("digits/mlp:v3")
    assert 3 not in numbers(shelf.search().items)
    assert numbers(shelf.search("deleted is not null").items) == [3]
    assert numbers(shelf.search("deleted >= ago('1h') and metric.a = 2").items) == [3]
    assert len(shelf.search("deleted is null or deleted is not null").items) == 7


def test_an_edit_changes_what_is_found(shelf: Registry) -> None:
    """Metadata is found as it is now; an edit on a link is found on the link, and never on its source."""
    shelf.edit("digits/mlp:v0", metadata={"x": "new"})
    assert numbers(shelf.search("metadata.x = 'new'").items) == [0]
    assert shelf.search("metadata.x = 2 and number = 0").items == ()
    linked = shelf.link("digits/mlp:v0", MODEL)
    assert len(shelf.search("metadata.x = 'new'").items) == 2
    shelf.edit(linked.ref, metadata={"x": "edited"}, remove_metadata=[])
    assert [item.ref for item in shelf.search("metadata.x = 'edited'").items] == [linked.ref]
    assert [item.ref for item in shelf.search("metadata.x = 'new'").items] == ["digits/mlp:v0"]
    copied = shelf.link(linked.ref, "model-registry/Copy")
    assert {item.ref for item in shelf.search("metadata.x = 'edited'").items} == {linked.ref, copied.ref}


def test_configuration_is_found_as_it_grows(registry: Registry, model_file: File) -> None:
    """Settings are found from the start of a run, and those added or changed later, too."""
    run = registry.start_run("digits", config={"lr": 0.1, "net": {"layers": [8, 8]}})
    registry.log("digits/mlp", model_file("a"), run=run.id)
    registry.log_metrics(run.id, [MetricPoint("loss", 0, 0.5)], config={"lr": 0.2, "seed": 1})
    assert [item.id for item in registry.search_runs("config.lr = 0.2 and config.net.layers = 8").items] == [run.id]
    assert registry.search_runs("config.lr = 0.1").items == ()
    assert len(registry.search("config.seed = 1 and run.status = 'running'").items) == 1
    registry.log_metrics(run.id, [], config={"seed": True})
    assert len(registry.search_runs("config.seed = true").items) == 1
    assert registry.search_runs("config.seed = 1").items == ()


def test_ago_counts_from_the_first_page(shelf: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place remembers the time of the first page, so that a slow reader loses no row on the way."""
    first = shelf.search("created >= ago('1h')", limit=4)
    later = podium.registry.base.now() + timedelta(hours=2)
    monkeypatch.setattr("podium.registry.base.now", lambda: later)
    assert shelf.search("created >= ago('1h')").items == ()
    assert numbers(shelf.search("created >= ago('1h')", after=first.next).items) == [2, 1, 0]


def test_latest_is_an_alias_like_any_other(shelf: Registry, model_file: File) -> None:
    """``latest``, which has no row of its own, is found as an alias and by a pattern."""
    assert numbers(shelf.search("alias = 'latest'").items) == [6]
    assert numbers(shelf.search("alias like '%test' and kind = 'artifact'").items) == [6]
    assert len(shelf.search("alias != 'latest'").items) == 6


def test_a_stage_is_found_as_one(shelf: Registry) -> None:
    """A stage is what a policy governs: an alias of the same name on an artifact is none."""
    linked = shelf.link("digits/mlp:v1", MODEL)
    shelf.promote(linked.ref, "production")
    shelf.set_alias("digits/mlp:v2", "production")
    assert [item.ref for item in shelf.search("stage = 'production'").items] == [linked.ref]
    assert len(shelf.search("alias = 'production'").items) == 2
    assert [item.ref for item in shelf.search_models("stage = 'production'").items] == [MODEL]


def test_the_newest_check_counts(shelf: Registry) -> None:
    """The status of a check is that of its newest result; one on the source counts for a link."""
    linked = shelf.link("digits/mlp:v1", MODEL)
    shelf.record_check(linked.ref, "smoke", "pass")
    shelf.record_check(linked.ref, "smoke", "fail")
    assert shelf.search("check.smoke = 'pass'").items == ()
    assert [item.ref for item in shelf.search("check.smoke = 'fail'").items] == [linked.ref]


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE versions; --",
        '" OR ""="',
        "%",
        "_",
        "\\",
        "a'b''c",
        "\u202e",
        "\U0001f600",
        ":x $1 %(a)s ?",
        "\n;",
    ],
)
def test_hostile_texts_find_themselves_only(registry: Registry, model_file: File, text: str) -> None:
    """Whatever a text holds, it is a value: it finds what equals it, and changes nothing."""
    registry.log("digits/mlp", model_file("a"), metadata={"x": text, text.strip() or "k": 1}, metrics={text: 1.0})
    registry.log("digits/mlp", model_file("b"), metadata={"x": "other"})
    quoted = "'" + text.replace("'", "''") + "'"
    assert numbers(registry.search(f"metadata.x = {quoted}").items) == [0]
    assert numbers(registry.search(f"metadata.x != {quoted}").items) == [1]
    escaped = quoted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    assert numbers(registry.search(f"metadata.x like {escaped}").items) == [0]
    name = "`" + text.replace("`", "``") + "`"
    assert numbers(registry.search(f"metric.{name} = 1", order_by=f"metric.{name}").items) == [0]
    assert registry.search(f"tag = {quoted} or alias = {quoted} or name = {quoted} or digest = {quoted}").items == ()


def test_a_key_of_an_origin_is_a_plain_word(registry: Registry) -> None:
    """Keys of origins go into a path of JSON, so only plain words are taken."""
    with pytest.raises(InvalidValueError, match="No origin knows"):
        registry.search("origin.`a\"b` = 'x'")


def test_every_value_is_a_bound_parameter(shelf: Registry) -> None:
    """No value of an expression or of a place stands in the text of a statement."""
    statements: list[str] = []
    engine = shelf._database._ready_engine()
    sa.event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    where = "metric.aqq > 77.25 and (metadata.keyqq in ('vqq', 'wqq') or name like 'pqq%') and tag != 'tqq'"
    shelf.search(where, order_by="metric.sqq", limit=3)
    shelf.search("origin.oqq = 'oqq' and created > '2031-01-01' and check.cqq = 'pass' or config.fqq = 1")
    assert statements
    assert not [text for text in statements if "qq" in text or "77.25" in text or "2031" in text]


def test_hints_name_what_nothing_has(shelf: Registry) -> None:
    """A metric, key or tag that nothing has is told, with the nearest one that something has."""
    shelf.tag("digits/mlp:v0", ["baseline"])
    hints = shelf.search_hints("metric.A > 1 and tag = 'basline' and metadata.x = 1 and metric.zzz > 1")
    assert hints == [
        "Nothing has the metric 'A'. Did you mean metric.a?",
        "Nothing has the tag 'basline'. Did you mean 'baseline'?",
        "Nothing has the metric 'zzz'.",
    ]


def test_models_artifacts_and_runs_apart(shelf: Registry) -> None:
    """Models are found among models, artifacts among artifacts, runs by their own fields."""
    shelf.link("digits/mlp", MODEL)
    shelf.edit_collection(MODEL, owner="ann", task="image classification")
    assert [item.ref for item in shelf.search_models("owner = 'ann' and task like 'image%'").items] == [MODEL]
    assert [item.ref for item in shelf.search_artifacts("versions = 7").items] == ["digits/mlp"]
    assert [item.kind for item in shelf.search("number >= 0", kind="model").items] == ["model"]
    run = shelf.start_run("digits", name="first", job_type="train")
    shelf.log_metrics(run.id, [MetricPoint("a/b", 0, 3), MetricPoint("word", 0, "x")])
    shelf.finish_run(run.id, "failed")
    assert [item.id for item in shelf.search_runs("status = 'failed' and metric.`a/b` * 2 = 6").items] == [run.id]
    assert shelf.search_runs("metric.word is not null").items == ()
    assert [item.id for item in shelf.search_runs("job_type = 'train'", order_by="-metric.`a/b`").items] == [run.id]
