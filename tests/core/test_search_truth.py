"""Search finds what plain Python finds: a table of expressions over generated registries, on both databases."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from podium.domain.runs import MetricPoint
from podium.registry import Registry
from tests.core.search_oracle import Facts

HOSTILE = [
    "'; DROP TABLE versions; --",
    '" OR 1=1 --',
    "100%_\\",
    "a_c",
    "abc",
    "*?[a-c]",
    "\u202eevil\u202c",
    "naïve Ω 😀",
    "new\nline\ttab",
    "torch",
    "Torch",
    "x" * 127 + "é",
    "x" * 128 + "tail",
    "x" * 128 + "other",
    "$1 :name %s {x} ?",
]
DOCUMENTS: list[dict[str, Any]] = [
    {},
    {"fw": "torch", "n": 5},
    {"fw": "tf", "n": 5.5, "flag": True},
    {"fw": "Torch", "n": 0.5},
    {"fw": ["torch", "jax"], "n": [1, "a", True]},
    {"n": "5", "deep": {"x": {"y": 1}}, "flag": False},
    {"n": 0, "deep": {"x": [{"y": 2}, {"y": "2"}]}, "empty": [], "none": None},
    {"n": 1e25, "odd key/x": "v", "a.b": 2, "a": {"b": 3}},
    {"n": -3, "fw": [["nested"], "torch"], "big": 10**400},
]
NUMBERS = [0.0, 0.5, 0.9, 0.95, -1.0, 3.0, 1e25, 1e-30]

# Every expression is asked about versions; the table covers each field, each operator, and what is missing.
VERSION_TABLE = """
metric.acc > 0.5 | metric.acc >= 0.9 | metric.acc < 0.9 | metric.acc <= 0.5 | metric.acc = 0.9 | metric.acc != 0.9
metric.acc is null | metric.acc is not null | not metric.acc > 0.5 | not (metric.acc is null) | 0.5 < metric.acc
metric.acc in (0.5, 0.9) | metric.acc not in (0.5, 0.9) | metric.`val/acc` > 0 | metrics.acc > 0.5
metric.acc > metric.loss | metric.acc != metric.loss | not metric.acc = metric.loss | metric.acc - 0.05 > 0.5
metric.acc + metric.loss > 1 | metric.acc * 2 = 1 | metric.acc / metric.loss > 1 | metric.acc / 0.5 >= 1
-metric.acc < 0 | metric.acc - metric.loss * 2 > -1 | (metric.acc + metric.loss) / 2 < 0.9
metric.loss / metric.loss = 1 | not metric.acc / metric.loss > 1 | metric.acc > 10 * 2 - 19.5 | metric.acc > -1
metric.none > 0 | metric.none is null | metadata.fw = 'torch' | metadata.fw != 'torch' | not metadata.fw = 'torch'
metadata.fw in ('torch', 'tf') | metadata.fw not in ('torch', 'tf') | metadata.fw like 't%'
metadata.fw not like 't%' | metadata.fw like '%R%' | metadata.fw is null | metadata.fw is not null | metadata.fw > 'k'
metadata.fw <= 'k' | metadata.fw = 'Torch' | metadata.n = 5 | metadata.n != 5 | metadata.n > 0 | metadata.n < 5
metadata.n = '5' | metadata.n != '5' | metadata.n = true | metadata.n in (1, 5) | metadata.n not in (1, 5)
metadata.n is null | metadata.n = 'a' | metadata.n like 'a' | metadata.n + 1 > 1 | metadata.n * 2 = 10
metadata.n - metadata.n = 0 | metadata.n > metric.acc | metadata.n = metric.loss | metadata.flag = true
metadata.flag = false | metadata.flag != true | metadata.flag is null | metadata.flag in (true, false)
metadata.deep.x.y = 1 | metadata.deep.x.y = 2 | metadata.deep.x.y = '2' | metadata.deep.x.y != 1
metadata.deep.x is null | metadata.empty is null | metadata.none is null | metadata.`odd key/x` = 'v'
metadata.a.b = 2 | metadata.`a.b` = 3 | metadata.big is not null | metadata.fw = description
metadata.fw != description | metadata.s like 'x%tail' | config.fw = 'torch' | config.fw != 'torch' | config.n > 0
config.n is null | config.flag = true | not config.fw = 'torch' | config.fw like '%c%' | config.n / 2 > 1
config.deep.x.y = 1 | config.fw in ('tf') | tag = 'prod' | tag != 'prod' | not tag = 'prod' | tag in ('prod', 'test')
tag not in ('prod', 'test') | tag like 'p%' | tag not like 'p%' | tag is null | tag is not null | tag = 'Prod'
tag > 'q' | not tag > 'q' | tags = 'test' | alias = 'best' | alias != 'best' | alias = 'latest' | alias != 'latest'
alias in ('best', 'latest') | alias like 'l%' | alias is null | alias is not null | alias = 'production'
not (alias = 'best' or alias = 'latest') | alias < 'c' | stage = 'production' | stage is null | stage is not null
stage != 'production' | stage in ('staging', 'production') | collection.tag = 'core' | collection.tag is null
collection.tag != 'core' | collection.owner = 'ann' | owner is null | owner != 'ann' | not owner = 'ann'
collection.task like 'image%' | task is not null | kind = 'model' | kind != 'model' | type = 'model'
type = 'dataset' | type in ('model', 'dataset') | name = 'mlp' | name like 'm%' | name like '%_p' | name like 'M%'
name > 'm' | not name > 'm' | name != 'mlp' | name is null | number = 0 | number > 0 | number >= 0.5 | version = 'v1'
number in (0, 2) | number * 2 = 2 | number / 0 = 1 | size > 0 | size >= 4 | files = 1 | files > 1 | size / files > 5
digest = 'sha256:0' | digest like 'sha256:%' | source like '%/mlp:v0' | source = collection | collection like '%/mlp'
namespace like 'p%' | namespace = name | description = 'torch' | description is null | description like '%o%'
description != 'torch' | description > 'n' | check.smoke = 'pass' | check.smoke != 'pass' | check.smoke is null
check.smoke in ('fail', 'warn') | check.other is not null | not check.smoke = 'pass' | check.smoke like 'p%'
created > '2020-01-01' | created < '2020-01-01T00:00' | created >= ago('1h') | not created < ago('1w')
created <= now() | created_by = 'ann' | creator != 'ann' | created_by like '%n%' | created_by > 'b'
created_by in ('bob', 'eve') | run.id is null | run is not null | run.name = 'first' | run.name != 'first'
run.status = 'running' | run.status != 'finished' | run.job_type = 'train' | job_type is null
run.status in ('running', 'failed') | run.name like 'f%' | expires is null | origin.kind = 'script'
origin.kind != 'airflow' | origin.label like 'script%' | origin.url is null | origin.dag_id is null
origin.script is not null | origin.host != 'x' | deleted is null | tag = 'prod' and metric.acc > 0.5
tag = 'prod' or metric.acc > 0.5 | not (tag = 'prod' and metric.acc > 0.5)
not (tag = 'prod' or metadata.fw = 'torch') | (tag = 'prod' or tag = 'test') and kind = 'model' | not not tag = 'prod'
metric.acc > 0.5 or metadata.n > 0 and alias = 'latest' | NOT tag IN ('prod') AND metric.acc is null or tag = 'test'
"""
RUN_TABLE = """
config.fw = 'torch' | config.fw != 'torch' | config.n > 0 | config.n is null | metric.acc > 0.5 | metric.acc is null
metric.acc != 0.9 | metric.word is null | metric.`val/acc` >= 0 | metric.acc * 2 > 1 | status = 'running'
status != 'finished' | name = 'first' | name like 'f%' | job_type is null | job_type = 'train' | steps > 0
finished is null | created > ago('1h') | origin.kind = 'script' | id = 'x' | not config.flag = true
metric.acc in (0.5, 0.9)
"""
COLLECTION_TABLE = """
kind = 'model' | owner = 'ann' | owner is null | owner != 'ann' | tag = 'core' | tag is null | alias = 'best'
alias != 'best' | alias = 'latest' | stage = 'production' | stage is null | versions > 1 | versions = 0
name like 'm%' | name = 'mlp' | type = 'model' | task like 'image%' | description is null | created > ago('1h')
created_by = 'ann' | not tag = 'core'
"""


def table(text: str) -> list[str]:
    return [part.strip() for line in text.strip().splitlines() for part in line.split(" | ")]


EXPRESSIONS, ABOUT_RUNS, ABOUT_COLLECTIONS = table(VERSION_TABLE), table(RUN_TABLE), table(COLLECTION_TABLE)
texts = st.sampled_from(HOSTILE)
values = st.sampled_from(NUMBERS)
runs = st.fixed_dictionaries(
    {
        "config": st.sampled_from(DOCUMENTS),
        "name": st.sampled_from(["first", "second"]),
        "job_type": st.sampled_from([None, "train"]),
        "summary": st.dictionaries(st.sampled_from(["acc", "val/acc"]), values, max_size=2),
        "status": st.sampled_from([None, "finished", "failed"]),
    }
)
items = st.fixed_dictionaries(
    {
        "artifact": st.sampled_from(["mlp", "cnn"]),
        "actor": st.sampled_from(["ann", "bob"]),
        "metadata": st.sampled_from(DOCUMENTS),
        "text": texts,
        "metrics": st.dictionaries(st.sampled_from(["acc", "loss", "val/acc"]), values, max_size=3),
        "run": st.none() | runs,
        "tags": st.sets(st.sampled_from(["prod", "test"])),
        "alias": st.sampled_from([None, "best"]),
        "described": st.booleans(),
        "linked": st.booleans(),
        "edited": st.none() | st.sampled_from(DOCUMENTS),
        "stage": st.sampled_from([None, "staging", "production"]),
        "check": st.lists(st.sampled_from(["pass", "fail", "warn"]), max_size=2),
    }
)
spaces = itertools.count()


def build(registry: Registry, others: dict[str, Registry], plan: list[dict[str, Any]], file: Any) -> list[str]:
    """Make what a plan says in a project and a registry of their own."""
    number = next(spaces)
    project, shelf = f"p{number}", f"r{number}"
    registry.create_registry(shelf)
    for index, item in enumerate(plan):
        by = others[item["actor"]]
        run = _run(by, project, item["run"]) if item["run"] is not None else None
        logged = by.log(
            f"{project}/{item['artifact']}",
            file(f"{number} {index} " + "." * index),
            type="dataset" if item["artifact"] == "cnn" else "model",
            metadata={**item["metadata"], "s": item["text"]},
            description=item["text"] if item["described"] else None,
            metrics=item["metrics"],
            aliases=[item["alias"]] if item["alias"] else [],
            run=run,
        )
        if item["tags"]:
            registry.tag(logged.ref, item["tags"])
            registry.edit_collection(f"{project}/{item['artifact']}", owner=item["actor"])
        if item["linked"]:
            _link(by, logged.ref, f"{shelf}/Big {item['artifact']}", item)
        if item["run"] is not None and item["run"]["status"]:
            by.finish_run(run, item["run"]["status"])
    registry.edit_collection(f"{project}/{plan[0]['artifact']}", task="image work")
    registry.tag(f"{project}/{plan[0]['artifact']}", ["core"])
    return [project, shelf]


def _run(registry: Registry, project: str, plan: dict[str, Any]) -> str:
    run = registry.start_run(project, name=plan["name"], config=plan["config"], job_type=plan["job_type"])
    points = [MetricPoint(name, 0, value) for name, value in plan["summary"].items()]
    registry.log_metrics(run.id, [*points, MetricPoint("word", 0, "text")])
    return run.id


def _link(registry: Registry, ref: str, model: str, item: dict[str, Any]) -> None:
    linked = registry.link(ref, model)
    if item["edited"] is not None:
        registry.edit(linked.ref, metadata=item["edited"], remove_metadata=["fw"])
    if item["described"]:
        registry.tag(linked.ref, ["test"])
    for status in item["check"]:
        registry.record_check(linked.ref, "smoke", status)
    if item["stage"]:
        registry.promote(linked.ref, item["stage"])


# A registry takes a second to build, so a run of the suite looks at a few; SEARCH_EXAMPLES=100 looks at more.
@settings(
    max_examples=int(os.environ.get("SEARCH_EXAMPLES", "4")),
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def _check_table(data: Any, registry: Registry, others: dict[str, Registry], model_file: Any) -> None:
    plan = data.draw(st.lists(items, min_size=2, max_size=5))
    namespaces = build(registry, others, plan, model_file)
    facts = Facts(registry, namespaces)
    here = "({}) and namespace in ('" + "', '".join(namespaces) + "')"
    hostile = [f"metadata.s = {quoted(text)} or description like {quoted(text)}" for text in HOSTILE]
    hostile += [f"metadata.s in ({quoted(text)}, 'z') and not tag = {quoted(text)}" for text in HOSTILE]
    for text in [*EXPRESSIONS, *hostile]:
        found = [item.ref for item in registry.search(here.format(text), limit=1000).items]
        assert set(found) == facts.find(text), text
        assert len(found) == len(set(found)), text
    for text in ABOUT_COLLECTIONS:
        pages = [find(here.format(text)).items for find in (registry.search_models, registry.search_artifacts)]
        assert {item.ref for page in pages for item in page} == facts.find_collections(text), text
    for text in ABOUT_RUNS:
        runs = registry.search_runs(here.format(text), limit=1000).items
        assert {item.id for item in runs} == facts.find_runs(text), text


def quoted(text: str) -> str:
    escaped = text if not text.endswith("\\") else text + "\\"
    return "'" + escaped.replace("'", "''") + "'"


def test_sql_finds_what_plain_python_finds(
    registry: Registry, database_url: str, open_at: Callable[..., Registry], model_file: Callable[[str], Path]
) -> None:
    """Each expression of the table finds the same versions, models and runs in SQL and in plain Python."""
    others = {name: open_at(database_url, actor=name) for name in ("ann", "bob")}
    _check_table(registry=registry, others=others, model_file=model_file)


def test_the_table_is_large() -> None:
    """The table has at least 120 different expressions about versions."""
    assert len(set(EXPRESSIONS)) >= 120
