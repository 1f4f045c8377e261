"""Lineage: up and down through runs and versions, with one recursive statement, and who depends on what."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from podium.errors import InvalidNameError, InvalidValueError, NotFoundError
from podium.sql import tables as t
from podium.sql.lineage import _COUNTED, _WAYS, _graph
from tests.core.test_runs_lists import statements

MODEL = "model-registry/Digits"


@pytest.fixture
def step(model_file) -> Callable[..., str]:
    """Run something that uses versions and logs others, as ``ARTIFACT`` or ``ARTIFACT=content``; return its id."""

    def step(registry, run: str, uses: list[str], logs: list[str], **more: str) -> str:
        started = registry.start_run("p", id=run, **more).id
        for ref in uses:
            registry.use(ref if "/" in ref else f"p/{ref}", started)
        for log in logs:
            name, _, text = log.partition("=")
            registry.log(f"p/{name}", model_file(text or f"{run} {name}"), run=started, type=name)
        return started

    return step


@pytest.fixture
def pipeline(step, registry):
    """Raw data to features, two trainings of which the second goes on with the first, a link, and a score."""
    step(registry, "get", [], ["raw"])
    step(registry, "prepare", ["raw:v0"], ["features"])
    step(registry, "first", ["features:v0"], ["mlp"])
    step(registry, "second", ["features:v0", "mlp:v0"], ["mlp"])
    registry.link("p/mlp:v1", MODEL)
    registry.promote(f"{MODEL}:v0", "production")
    step(registry, "score", [f"{MODEL}:production"], ["scores"])
    return registry


def hops(lineage, way: str) -> dict[str, int]:
    """The nodes on one way, with how far each is."""
    return {node.id: getattr(node, way) for node in lineage.nodes if getattr(node, way) is not None}


def test_up_to_the_first_data(pipeline) -> None:
    """Everything that a version was made from, through any number of runs, each with its shortest distance."""
    assert hops(pipeline.lineage("p/mlp:v1", "up"), "up") == {
        "p/mlp:v1": 0,
        "run:second": 1,
        "p/features:v0": 2,
        "p/mlp:v0": 2,
        "run:prepare": 3,
        "run:first": 3,
        "p/raw:v0": 4,
        "run:get": 5,
    }


def test_down_to_the_last_result(pipeline) -> None:
    """Everything that was made from a version."""
    found = pipeline.lineage("p/mlp:v0", "down")
    assert hops(found, "down") == {
        "p/mlp:v0": 0,
        "run:second": 1,
        "p/mlp:v1": 2,
        "run:score": 3,
        "p/scores:v0": 4,
    }
    assert [(edge.source, edge.target, edge.kind) for edge in found.edges] == [
        ("p/mlp:v0", "run:second", "input"),
        ("run:second", "p/mlp:v1", "output"),
        ("p/mlp:v1", "run:score", "input"),
        ("run:score", "p/scores:v0", "output"),
    ]


def test_both_ways_are_one_graph(pipeline) -> None:
    """Both ways hold what each way holds alone; siblings, which lie on neither, are not part of it."""
    both, up, down = (pipeline.lineage("p/features:v0", way) for way in ("both", "up", "down"))
    assert (hops(both, "up"), hops(both, "down")) == (hops(up, "up"), hops(down, "down"))
    assert sorted(both.edges, key=str) == sorted([*up.edges, *down.edges], key=str)
    assert both.nodes[0].id == both.root == "p/features:v0"


@pytest.mark.parametrize(
    ("depth", "nodes", "edges"), [(1, 2, 1), (2, 4, 3), (3, 6, 5), (4, 7, 7), (5, 8, 8), (9, 8, 8)]
)
def test_depth_is_counted_in_hops(pipeline, depth, nodes, edges) -> None:
    """A hop leads from a version to a run or from a run to a version."""
    found = pipeline.lineage("p/mlp:v1", "up", depth)
    assert (len(found.nodes), len(found.edges)) == (nodes, edges)
    assert max(hops(found, "up").values()) <= depth


def test_a_run_is_a_place_to_begin(pipeline) -> None:
    """`run:ID` begins at a run; its inputs and outputs are one hop away."""
    found = pipeline.lineage("run:second", depth=1)
    assert (found.root, found.ref) == ("run:second", "run:second")
    assert (hops(found, "up").keys(), hops(found, "down").keys()) == (
        {"run:second", "p/features:v0", "p/mlp:v0"},
        {"run:second", "p/mlp:v1"},
    )


def test_a_model_version_is_its_source(pipeline) -> None:
    """The root is the artifact version, what was asked for is said, and so is what was used by that name."""
    found = pipeline.lineage(f"{MODEL}:production", depth=1)
    assert (found.root, found.ref) == ("p/mlp:v1", f"{MODEL}:v0")
    (place,) = found.node("p/mlp:v1").models
    assert (place.ref, place.aliases, place.stages) == (f"{MODEL}:v0", ("latest",), ("production",))
    assert [edge.ref for edge in found.edges] == ["p/mlp:v1", f"{MODEL}:v0"]


def test_an_edge_carries_the_origin_of_its_run(as_task, step) -> None:
    """Which task of which DAG used and logged, and when."""
    registry = as_task("train/1/fit")
    step(registry, "a", [], ["raw"])
    (edge,) = registry.lineage("p/raw").edges
    assert (edge.origin.kind, edge.origin.label) == ("airflow", "DAG train · task train/1/fit")
    assert edge.at == registry.resolve("p/raw").created_at


def test_deleted_versions_stay_in_the_graph(pipeline) -> None:
    """A version that was deleted since is shown as deleted, and what lies behind it is not lost."""
    pipeline.delete("p/features:v0")
    found = pipeline.lineage("p/mlp:v0", "up")
    assert found.node("p/features:v0").deleted_at is not None
    assert "p/raw:v0" in hops(found, "up")


def test_a_deleted_version_is_named_by_its_number(pipeline) -> None:
    """Its lineage can be asked for, also of a link that was taken away; an alias of it names nothing any more."""
    pipeline.delete("p/scores:v0")
    assert pipeline.lineage("p/scores:v0", "up", 1).nodes[0].deleted_at is not None
    pipeline.unlink(f"{MODEL}:v0", force=True, reason="test")
    found = pipeline.lineage(f"{MODEL}:v0")
    assert (found.root, found.node(found.root).models) == ("p/mlp:v1", ())
    with pytest.raises(NotFoundError):
        pipeline.lineage("p/scores:latest")


def test_a_renamed_artifact_has_its_new_name(pipeline) -> None:
    """Nodes have the names of now; the edge keeps the name of then."""
    pipeline.rename("p/raw", "source")
    found = pipeline.lineage("p/features:v0", "up", 2)
    assert found.nodes[-1].id == "p/source:v0"
    assert found.edges[0].ref == "p/raw:v0"


def test_the_same_bytes_have_two_makers(registry, step) -> None:
    """A version that two runs logged lies downstream of both."""
    step(registry, "a", [], ["raw=same"])
    step(registry, "b", [], ["raw=same"])
    assert hops(registry.lineage("p/raw:v0", "up"), "up") == {"p/raw:v0": 0, "run:a": 1, "run:b": 1}


@pytest.mark.parametrize("depth", [None, 1, 2, 5, _COUNTED, _COUNTED + 1])
def test_a_cycle_ends(registry, step, depth) -> None:
    """A run that logs the very bytes that it used is up and down from them, and nothing goes round for ever."""
    step(registry, "get", [], ["raw=same"])
    step(registry, "round", ["raw:v0"], ["raw=same"])
    found = registry.lineage("p/raw:v0", depth=depth)
    assert hops(found, "up") == {"p/raw:v0": 0, "run:get": 1, "run:round": 1}
    assert hops(found, "down") == {"p/raw:v0": 0, "run:round": 1}
    assert len(found.edges) == 3
    assert "(see above)" in found.to_tree() or depth == 1


def test_a_version_of_which_nothing_is_known(registry, model_file) -> None:
    """It is alone."""
    registry.log("p/a", model_file("a"))
    found = registry.lineage("p/a")
    assert ([node.id for node in found.nodes], found.edges) == (["p/a:v0"], ())
    assert registry.impact("p/a").dependents == ()


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (("nothing",), InvalidNameError),
        ((None,), InvalidNameError),
        (("run:a b",), InvalidNameError),
        (("p/raw:v0:v1",), InvalidNameError),
        (("run:nothing",), NotFoundError),
        (("p/nothing",), NotFoundError),
        (("p/raw:v9",), NotFoundError),
        (("p/raw:nothing",), NotFoundError),
        (("p/raw", "sideways"), InvalidValueError),
        (("p/raw", "up", 0), InvalidValueError),
        (("p/raw", "up", True), InvalidValueError),
        (("p/raw", "up", "3"), InvalidValueError),
    ],
    ids=str,
)
def test_questions_that_make_no_sense(registry, step, asked, error) -> None:
    """Each is a typed error."""
    step(registry, "get", [], ["raw"])
    with pytest.raises(error):
        registry.lineage(*asked)
    if len(asked) == 1:
        with pytest.raises(error):
            registry.impact(*asked)


@pytest.mark.parametrize("depth", [None, 60])
def test_one_recursive_statement(registry, step, depth) -> None:
    """The graph is read with one recursive statement, and details in batches: a longer chain asks no more often."""
    step(registry, "s0", [], ["d"])
    asked = []
    for at in range(1, 21):
        step(registry, f"s{at}", [f"d:v{at - 1}"], ["d"])
        if at in (2, 20):
            with statements(registry) as seen:
                assert len(registry.lineage(f"p/d:v{at}", "up", depth).nodes) == 2 * at + 2
            assert sum("RECURSIVE" in text for text, _ in seen) == 1
            asked.append(len(seen))
    assert asked[0] == asked[1] <= 8


def test_a_walk_finds_its_edges_by_indexes(lite) -> None:
    """SQLite plans no look at the whole table, in either kind of statement."""
    with lite._database.read() as connection:
        for counted in (False, True):
            query = _graph(_WAYS["both"], counted).compile(dialect=connection.dialect)
            given = [{"run": "r", "depth": 5}.get(name) for name in query.positiontup or ()]
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", tuple(given))]
            assert any("SEARCH of_version" in line for line in plan)
            assert [line for line in plan if line.startswith("SCAN") and "run_versions" in line] == []
            assert [line for line in plan if line.startswith("SCAN of_")] == []


def _random_graph(registry, step, seed: int) -> dict[str, set[tuple[str, str]]]:
    """Write edges at random, against time and in circles too; return the neighbours of each node, up and down."""
    draw = random.Random(seed)
    runs = [step(registry, f"r{at}", [], []) for at in range(9)]
    for at in range(9):
        step(registry, f"make{at}", [], [f"d={at}"])
    with registry._database.write() as connection:
        v = t.versions.c
        ids = {number: id for id, number in connection.execute(sa.select(v.id, v.number))}
        connection.execute(sa.delete(t.run_versions))
        pairs = {(draw.choice(runs), draw.randrange(9), draw.choice(("input", "output"))) for _ in range(24)}
        now = registry.resolve("p/d:v0").created_at
        rows = [
            {"run_id": run, "version_id": ids[number], "direction": way, "ref": f"p/d:v{number}", "created_at": now}
            for run, number, way in pairs
        ]
        connection.execute(sa.insert(t.run_versions), rows)
    ends = [
        (f"p/d:v{number}", f"run:{run}") if way == "input" else (f"run:{run}", f"p/d:v{number}")
        for run, number, way in pairs
    ]
    return {"down": set(ends), "up": {(target, source) for source, target in ends}}


def _reached(edges: set[tuple[str, str]], root: str, depth: int) -> dict[str, int]:
    """What can be reached, by the plainest means: one step after the other."""
    following = defaultdict(set)
    for here, there in edges:
        following[here].add(there)
    found, front = {root: 0}, {root}
    for hop in range(1, depth + 1):
        front = {there for here in front for there in following[here]} - found.keys()
        found |= dict.fromkeys(front, hop)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_as_a_plain_walk_finds_it(registry, step, seed) -> None:
    """On graphs at random, circles included, nodes, hops and edges are those of a walk in plain Python."""
    graph = _random_graph(registry, step, seed)
    for root in ("p/d:v0", "run:r0", "run:r5"):
        for depth in (1, 2, 3, 4, 7, _COUNTED, _COUNTED + 6, None):
            found = registry.lineage(root, depth=depth)
            far = {way: _reached(graph[way], root, depth or 99) for way in ("up", "down")}
            assert {way: hops(found, way) for way in far} == far
            limit = depth or 99
            down = {(a, b) for a, b in graph["down"] if far["down"].get(a, limit) < limit}
            up = {(b, a) for a, b in graph["up"] if far["up"].get(a, limit) < limit}
            assert {(edge.source, edge.target) for edge in found.edges} == down | up


def test_impact_names_models_and_stages(pipeline) -> None:
    """Which registered models depend on a data set, what they hold, how far it is and one way there."""
    pipeline.link("p/mlp:v0", MODEL, aliases=["challenger"])
    found = pipeline.impact("p/raw:v0")
    assert (found.models, found.stages) == ((MODEL,), (f"{MODEL}:production",))
    assert found.aliases == (f"{MODEL}:challenger", f"{MODEL}:latest")
    assert [(item.ref, item.source, item.hops) for item in found.dependents] == [
        (f"{MODEL}:v0", "p/mlp:v1", 4),
        (f"{MODEL}:v1", "p/mlp:v0", 4),
    ]
    way = ("p/raw:v0", "run:prepare", "p/features:v0", "run:second", "p/mlp:v1")
    assert found.dependents[0].path == way
    assert (found.runs, found.versions) == (4, 4)


def test_impact_of_what_is_linked_itself(pipeline) -> None:
    """A version that is linked depends on itself by no hop, by whatever name it is asked for."""
    for ref in ("p/mlp:v1", f"{MODEL}:production"):
        found = pipeline.impact(ref)
        assert [(item.ref, item.hops, item.path) for item in found.dependents] == [(f"{MODEL}:v0", 0, ("p/mlp:v1",))]
    assert found.ref == f"{MODEL}:v0"


def test_impact_reaches_copies_in_other_models(pipeline) -> None:
    """A copy of a model version points at the same bytes, and depends on what they depend on."""
    pipeline.create_registry("prod")
    pipeline.link(f"{MODEL}:v0", "prod/Digits")
    assert pipeline.impact("p/raw:v0").models == (MODEL, "prod/Digits")


def test_impact_of_a_run(pipeline) -> None:
    """What a run that went wrong spoiled."""
    found = pipeline.impact("run:prepare")
    assert (found.root, found.stages, found.dependents[0].hops) == ("run:prepare", (f"{MODEL}:production",), 3)
    assert pipeline.impact("run:score").models == ()


def test_links_that_were_taken_away_do_not_count(pipeline) -> None:
    """An unlinked version concerns nobody; its way there is still in the lineage."""
    pipeline.unlink(f"{MODEL}:v0", force=True, reason="test")
    assert pipeline.impact("p/raw:v0").dependents == ()
    assert "p/mlp:v1" in hops(pipeline.lineage("p/raw:v0"), "down")
