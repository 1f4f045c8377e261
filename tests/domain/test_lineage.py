"""Lineage as values and pictures: trees that stay readable, and charts that no text breaks out of."""

from __future__ import annotations

import html
import itertools
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from podium.domain.impact import Dependent, sum_up
from podium.domain.lineage import (
    Lineage,
    LineageEdge,
    LineageRun,
    LineageVersion,
    ModelPlace,
    path_to,
    steps_from,
)
from podium.domain.lineage_charts import web_address
from podium.domain.lineage_tree import printable, words
from podium.domain.origin import Origin

NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
HOSTILE = [
    'quote " and \\" \\',
    "end",
    "<b>bold</b><script>alert(1)</script>",
    "a] --> b[(x)] {y} |z|",
    "line\nbreak\r\nand\ttab",
    "`md` **bold** #35; &amp; &#60; %% comment",
    "1. list",
    "\x1b[31mred\x07 \u202eevil",
    "größer 数字 عربى",
    "subgraph; click n0 call x()",
    "\\N \\G \\n \\",
    "",
    " ",
]


def version(id: str, up: int | None = None, down: int | None = None, **more) -> LineageVersion:
    facts = {"type": "model", "digest": "sha256:0", "aliases": (), "models": (), "created_by": "ann", **more}
    return LineageVersion(id, up, down, created_at=NOW, origin=Origin(), **facts)


def run(id: str, up: int | None = None, down: int | None = None, **more) -> LineageRun:
    facts = {"project": "p", "name": id, "status": "finished", "job_type": None, "origin": Origin(), **more}
    return LineageRun(f"run:{id}", up, down, run=id, started_at=NOW, **facts)


def edge(source: str, target: str, minutes: int = 0, **more) -> LineageEdge:
    kind = "input" if target.startswith("run:") else "output"
    ref = more.pop("ref", source if kind == "input" else target)
    return LineageEdge(source, target, kind, ref, NOW + timedelta(minutes=minutes), more.pop("origin", Origin()))


def down(nodes, edges) -> Lineage:
    return Lineage(nodes[0].id, tuple(nodes), tuple(edges), nodes[0].id, "down")


def chain(length: int) -> Lineage:
    """A version, a run, a version, ...: each made from the one before."""
    nodes = [version(f"p/d:v{at // 2}", down=at) if at % 2 == 0 else run(f"r{at}", down=at) for at in range(length)]
    return down(nodes, [edge(here.id, there.id) for here, there in itertools.pairwise(nodes)])


def star(width: int) -> Lineage:
    """A data set that many runs use, each of which logs a model."""
    runs = [run(f"r{at}", down=1) for at in range(width)]
    models = [version(f"p/m:v{at}", down=2) for at in range(width)]
    edges = [edge("p/d:v0", item.id) for item in runs]
    edges += [edge(item.id, model.id) for item, model in zip(runs, models, strict=True)]
    return down([version("p/d:v0", down=0), *runs, *models], edges)


def hostile(text: str) -> Lineage:
    """A graph in which every free text is this one."""
    origin = Origin("airflow", text, f"http://airflow.example/?q={text}")
    place = ModelPlace("model-registry/größer (v+):v0", "model-registry/größer (v+)", ("latest",), ("production",))
    root = version("p/d:v0", down=0, type="dataset", models=(place,), deleted_at=NOW)
    used = edge(root.id, "run:end", ref="model-registry/größer (v+):v0", origin=origin)
    return down([root, run("end", down=1, name=text, job_type=text, origin=origin)], [used])


def test_a_tree_in_full() -> None:
    """Each line says how it hangs together, what it is, and when; a second way to a node is not drawn again."""
    root, other = version("p/m:v1", up=0), version("p/m:v0", up=2)
    data = version("p/d:v0", up=2, type="dataset", aliases=("latest",), deleted_at=NOW)
    nodes = [root, run("fit", up=1, job_type="train"), data, other, run("first", up=3)]
    edges = [edge("run:first", "p/m:v0", 1), edge("p/d:v0", "run:first", 1), edge("p/d:v0", "run:fit", 2)]
    edges += [edge("p/m:v0", "run:fit", 3), edge("run:fit", "p/m:v1", 4)]
    tree = Lineage("p/m:v1", tuple(nodes), tuple(edges), "p/m:v1", "up").to_tree()
    assert tree.splitlines() == [
        "p/m:v1  model",
        "Made from:",
        "└─ logged by run:fit  train  finished  script  2026-11-24 18:04 UTC",
        "   ├─ used p/d:v0  dataset  (latest)  deleted 2026-11-24 18:00 UTC  2026-11-24 18:02 UTC",
        "   └─ used p/m:v0  model  2026-11-24 18:03 UTC",
        "      └─ logged by run:first  finished  script  2026-11-24 18:01 UTC",
        "         └─ used p/d:v0  dataset  (latest)  deleted 2026-11-24 18:00 UTC  2026-11-24 18:01 UTC  (see above)",
    ]


def test_a_tree_says_where_a_version_stands_and_how_it_was_used() -> None:
    """Places in models with stages and aliases, the name by which a run used it, and the page of the run."""
    place = ModelPlace("model-registry/D:v3", "model-registry/D", ("latest",), ("production",))
    origin = Origin("airflow", "DAG train · task fit", "http://airflow.example/x")
    used = edge("p/m:v1", "run:score", ref="model-registry/D:v3", origin=origin)
    nodes = [version("p/m:v1", down=0, models=(place,)), run("score", down=1, name="nightly", origin=origin)]
    tree = Lineage("p/m:v1", tuple(nodes), (used,), "model-registry/D:v3", "down").to_tree().splitlines()
    assert tree[0] == "p/m:v1  model  = model-registry/D:v3 (production, latest)  (asked for as model-registry/D:v3)"
    assert "nightly  finished  DAG train · task fit  http://airflow.example/x  as model-registry/D:v3" in tree[2]


def test_a_tree_of_nothing() -> None:
    """Both ways are named, and that nothing is known there."""
    tree = Lineage("p/d:v0", (version("p/d:v0", up=0, down=0),), (), "p/d:v0", "both").to_tree()
    assert tree.count("nothing that is known") == 2


def test_a_wide_tree_says_how_many_are_left_out() -> None:
    """Of ten thousand runs the nearest are drawn, and at the place of the others stands how many there are."""
    lines = star(10_000).to_tree(limit=100).splitlines()
    assert len(lines) == 102 + 99
    assert lines[-1] == "└─ ... 9,901 more runs"
    assert lines[3] == "│  └─ ... 1 more version"


def test_a_deep_tree_stays_narrow() -> None:
    """A chain of ten thousand is no recursion of Python's, and its lines stay on the screen."""
    lines = chain(10_001).to_tree().splitlines()
    assert len(lines) == 10_002
    assert max(map(len, lines)) < 120
    assert lines[-1].lstrip("… └─").startswith("logged p/d:v5000")


def test_a_wide_layer_is_drawn_once() -> None:
    """Each edge is one line, however many paths lead there."""
    width, nodes, edges = 12, [version("p/d:v0", down=0)], []
    layers = [nodes]
    for depth in range(1, 21):
        make = (
            (lambda at, d=depth: run(f"r{d}x{at}", down=d))
            if depth % 2
            else (lambda at, d=depth: version(f"p/d{d}:v{at}", down=d))
        )
        layers.append([make(at) for at in range(width)])
        edges += [edge(a.id, b.id) for a in layers[-2] for b in layers[-1]]
    found = down([node for layer in layers for node in layer], edges)
    assert len(found.to_tree().splitlines()) == 2 + len(edges)


def test_the_nearest_part() -> None:
    """A cut keeps the nearest nodes and the edges between them; no cut keeps all."""
    whole = chain(9)
    part = whole.nearest(4)
    assert ([node.id for node in part.nodes], len(part.edges)) == (["p/d:v0", "run:r1", "p/d:v1", "run:r3"], 3)
    assert whole.nearest(None) == whole


@pytest.mark.parametrize("text", HOSTILE)
def test_text_stays_on_its_line(text) -> None:
    """Whatever somebody called a run, a tree has as many lines as edges, and none moves the cursor."""
    tree = hostile(text).to_tree()
    assert len(tree.splitlines()) == 3
    assert [char for char in tree if not char.isprintable() and char != "\n"] == []


_TEXT = r"(?:[^\W_]|[ /:_.,-]|[#]\d{2,7};)*"
_LABEL = rf"{_TEXT}(?:<br/>{_TEXT})*"
_MERMAID = re.compile(
    rf"""flowchart\ LR
    |\ {{4}}(?P<node>n\d+)(?:\["(?P<box>{_LABEL})"\]|\("(?P<round>{_LABEL})"\))
    |\ {{4}}more\["{_LABEL}"\]
    |\ {{4}}n\d+\ -->\|"(?P<edge>{_TEXT})"\|\ n\d+
    |\ {{4}}click\ n\d+\ href\ "https?://[^"\\<>`\s]+"\ _blank
    |\ {{4}}class\ (?:n\d+|more)\ (?:root|gone)
    |\ {{4}}classDef\ (?:root|gone)\ [a-z-]+:[\w ]+""",
    re.VERBOSE,
)


def _unmermaid(text: str) -> str:
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text)


@pytest.mark.parametrize("text", HOSTILE)
def test_mermaid_keeps_every_text_in_its_quotes(text) -> None:
    """Each line is one of the few kinds that Podium writes, and a label says what it shall say, no more and no less."""
    found = hostile(text)
    matches = [_MERMAID.fullmatch(line) for line in found.to_mermaid().split("\n")]
    assert None not in matches
    labels = [label for match in matches if match and (label := match["box"] or match["round"])]
    said = [[_unmermaid(line) for line in label.split("<br/>")] for label in labels]
    assert said == [[node.id, *words(node, page=False)] for node in found.nodes]
    assert [match["edge"] for match in matches if match and match["edge"]] == [
        "used as model-registry/größer #40;v#43;#41;:v0 2026-11-24 18:00 UTC"
    ]


_DOT = re.compile(r'\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<word>[A-Za-z_]\w*)|(?P<sign>->|[\[\]{}=;,]))', re.DOTALL)


def _tokens(text: str) -> Iterator[str]:
    """The tokens of Graphviz' grammar that a graph of Podium may have."""
    place = 0
    while place < len(text.rstrip()):
        found = _DOT.match(text, place)
        assert found, text[place : place + 40]
        place = found.end()
        yield found["quoted"] or found["word"] or found["sign"]


def _statements(text: str) -> dict[tuple[str, ...], dict[str, str]]:
    """Parse ``digraph NAME { ID [-> ID] [NAME=VALUE, ...]; NAME=VALUE; }`` strictly."""
    tokens = list(_tokens(text))
    assert tokens[:3] == ["digraph", "lineage", "{"]
    assert tokens.pop() == "}"
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for statement in " ".join(token if token[0] != '"' else token.replace(";", "\0") for token in tokens[3:]).split(
        ";"
    ):
        words = [token.replace("\0", ";") for token in _tokens(statement)]
        if "[" not in words:
            continue
        head, body = tuple(words[: words.index("[")]), words[words.index("[") + 1 :]
        assert body.pop() == "]"
        parts = [body[at : at + 4] for at in range(0, len(body), 4)]
        assert all(len(part) in (3, 4) and part[1] == "=" and part[3:] in ([","], []) for part in parts)
        found[head] = {part[0]: part[2] for part in parts}
    return found


def _undot(text: str) -> list[str]:
    """Read a label as Graphviz does: ``\\"`` in the lexer, then escapes, then entities."""
    lines = re.split(r"(?<!\\)((?:\\\\)*)\\n", text[1:-1])
    joined = [lines[0]] if len(lines) == 1 else [a + b for a, b in zip(lines[::2], [*lines[1::2], ""], strict=True)]
    return [html.unescape(line.replace('\\"', '"').replace("\\\\", "\\")) for line in joined]


@pytest.mark.parametrize("text", HOSTILE)
def test_dot_keeps_every_text_in_its_quotes(text) -> None:
    """A strict reader of the grammar finds the nodes and edges, and in the labels what they shall say."""
    found = hostile(text)
    read = _statements(found.to_dot())
    assert [_undot(read[f"n{at}",]["label"]) for at in range(2)] == [
        [node.id, *words(node, page=False)] for node in found.nodes
    ]
    assert _undot(read["n0", "->", "n1"]["tooltip"]) == [printable(f"{text} {NOW.isoformat()}")]
    assert set(read) == {("node",), ("edge",), ("n0",), ("n1",), ("n0", "->", "n1")}


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not on this machine")
@pytest.mark.parametrize("text", HOSTILE)
def test_graphviz_draws_it(text) -> None:
    """Graphviz itself reads the graph without a warning and draws both nodes and the edge."""
    done = subprocess.run(
        ["dot", "-Tsvg"], input=hostile(text).to_dot(), capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout.count('class="node"'), done.stdout.count('class="edge"')) == (2, 1)
    assert done.stderr == ""


@pytest.mark.parametrize("form", ["to_mermaid", "to_dot"])
def test_a_chart_says_what_it_leaves_out(form) -> None:
    """Of a large graph the nearest nodes are drawn, with a note about the others."""
    text = getattr(star(1_000), form)(50)
    assert "... 1,951 more nodes are not drawn" in text
    assert "n49" in text
    assert "n50" not in text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "https://airflow.example/dags/a/runs/m%20x?map_index=-1&x=(1)",
            "https://airflow.example/dags/a/runs/m%20x?map_index=-1&x=(1)",
        ),
        ('http://x.example/"><script>', "http://x.example/%22%3E%3Cscript%3E"),
        ("http://x.example/a\nb\\", "http://x.example/a%0Ab%5C"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("file:///etc/passwd", None),
        ("http://[", None),
        ("//x.example", None),
        ("", None),
        (None, None),
    ],
)
def test_only_pages_of_the_web_are_linked(url, shown) -> None:
    """A link leads to http or https, and holds no sign that ends a string or begins markup."""
    assert web_address(url) == shown


def test_the_shortest_way_comes_first() -> None:
    """Each node is found by as few hops as can be, and its path leads there; a circle is walked once."""
    steps = steps_from("a", {"a": ["b", "c"], "b": ["d"], "c": ["d", "a"], "d": ["e"], "e": ["a"]})
    assert {node: step.hops for node, step in steps.items()} == {"a": 0, "b": 1, "c": 1, "d": 2, "e": 3}
    assert path_to("e", steps) == ["a", "b", "d", "e"]
    assert path_to("a", steps) == ["a"]


def test_impact_is_in_order() -> None:
    """The nearest model versions first, then by model and number; names once each, sorted."""
    given = [
        Dependent(f"r/{model}:v{number}", f"r/{model}", "p/m:v0", ("latest",), ("production",), hops, ())
        for model, number, hops in (("B", 10, 2), ("B", 9, 2), ("A", 0, 4))
    ]
    found = sum_up("p/d:v0", "p/d:v0", given, 3, 4)
    assert [item.ref for item in found.dependents] == ["r/B:v9", "r/B:v10", "r/A:v0"]
    assert (found.models, found.stages, found.aliases) == (
        ("r/A", "r/B"),
        ("r/A:production", "r/B:production"),
        ("r/A:latest", "r/B:latest"),
    )


def test_json_is_plain() -> None:
    """Kinds tell nodes apart, and every edge has its origin."""
    plain = hostile("x").to_json()
    assert [node["kind"] for node in plain["nodes"]] == ["version", "run"]
    assert plain["edges"][0]["origin"]["label"] == "x"
    assert set(plain) == {"root", "nodes", "edges", "ref", "direction", "depth"}
