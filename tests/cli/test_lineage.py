"""``podium lineage`` and ``podium impact``: for people, for pictures and as JSON."""

from __future__ import annotations

from contextlib import closing

import pytest

import podium

MODEL = "model-registry/Digits classifier"
NASTY = "[red]x[/red] \x1b[31m \u202e"


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def trained(model_file):
    """Raw data, a training with a hostile name, a model in production, and a score that used it."""
    with closing(podium.open_registry()) as registry:
        registry.log("digits/raw", model_file("raw"), type="dataset")
        run = registry.start_run("digits", id="fit", name=NASTY, job_type="train").id
        registry.use("digits/raw", run)
        registry.log("digits/mlp", model_file("model"), run=run)
        registry.finish_run(run)
        registry.link("digits/mlp", MODEL)
        registry.promote(MODEL, "production")
        score = registry.start_run("digits", id="score").id
        registry.use(f"{MODEL}:production", score)
        registry.finish_run(score)
    return f"{MODEL}:production"


@pytest.fixture
def many(model_file) -> str:
    """A data set that 130 runs used."""
    with closing(podium.open_registry()) as registry:
        registry.log("digits/raw", model_file("raw"), type="dataset")
        for at in range(130):
            registry.use("digits/raw", registry.start_run("digits", id=f"r{at}").id)
    return "digits/raw"


def test_a_tree(ok, trained) -> None:
    """Where the model in production came from and who uses it, with the place that it has in the registry."""
    lines = ok("lineage", trained).splitlines()
    assert lines[0].startswith(f"digits/mlp:v0  model  (latest)  = {MODEL}:v0 (production, latest)")
    assert lines[1] == "Made from:"
    assert lines[2].startswith("└─ logged by run:fit  [red]x[/red] \\x1b[31m \\u202e  train  finished  script ")
    assert lines[3].startswith("   └─ used digits/raw:v0  dataset  (latest)  ")
    assert lines[4] == "What came of it:"
    assert f"as {MODEL}:v0" in lines[5]
    assert len(lines) == 6


def test_one_way_and_depth(ok, trained) -> None:
    """Only up, only down, and only so far."""
    assert "What came of it" not in ok("lineage", trained, "--up")
    assert "Made from" not in ok("lineage", trained, "--down")
    assert ok("lineage", "run:fit", "--both", "--depth", "1").count("digits/") == 2
    assert "digits/raw" not in ok("lineage", trained, "--up", "--depth", "1")
    assert ok("lineage", trained, "--up", "--down") == ok("lineage", trained)


def test_json_has_it_all(answer, trained) -> None:
    """Root, nodes and edges, each edge with its origin; a limit keeps the nearest."""
    found = answer("lineage", trained)
    assert (found["root"], found["ref"]) == ("digits/mlp:v0", f"{MODEL}:v0")
    assert [node["id"] for node in found["nodes"]] == ["digits/mlp:v0", "run:fit", "run:score", "digits/raw:v0"]
    assert {edge["origin"]["kind"] for edge in found["edges"]} == {"script"}
    assert len(answer("lineage", trained, "--limit", "2")["nodes"]) == 2


@pytest.mark.parametrize(("form", "head"), [("mermaid", "flowchart LR"), ("dot", "digraph lineage {")])
def test_pictures(ok, trained, form, head) -> None:
    """Text for Mermaid or Graphviz alone, so that it can be piped on; no control character in it."""
    text = ok("lineage", trained, "--format", form)
    assert text.splitlines()[0] == head
    assert [char for char in text if not char.isprintable() and char != "\n"] == []


def test_a_large_graph_is_cut(run, ok, answer, many) -> None:
    """A tree shows the nearest hundred nodes and says what it leaves out and how to see more; JSON has all."""
    shown = run("lineage", many)
    assert len(shown.stdout.splitlines()) == 3 + 99 + 1
    assert "... 31 more runs" in shown.stdout
    assert "31 of 131 nodes left out; --limit N" in shown.stderr
    assert len(ok("lineage", many, "--limit", "200").splitlines()) == 3 + 130
    assert len(answer("lineage", many)["nodes"]) == 131


def test_mermaid_draws_no_more_than_it_can(run, many, monkeypatch) -> None:
    """What Mermaid refuses to draw unless it is told otherwise is said beside the output, not in it."""
    monkeypatch.setattr("podium.cli.lineage._MERMAID_EDGES", 100)
    shown = run("lineage", many, "--format", "mermaid")
    assert "130 edges; Mermaid draws 100 unless its maxEdges is raised" in shown.stderr
    assert run("lineage", many, "--format", "mermaid", "--limit", "50").stderr == ""


def test_nothing_is_known(run, model_file) -> None:
    """It says so, and how a lineage comes about."""
    with closing(podium.open_registry()) as registry:
        registry.log("digits/raw", model_file("raw"))
    shown = run("lineage", "digits/raw")
    assert shown.stdout.count("nothing that is known") == 2
    assert "run.use_artifact" in shown.stderr


def test_impact(ok, trained) -> None:
    """Who depends on a data set: models, stages, and one way to each."""
    lines = [" ".join(line.split()) for line in ok("impact", "digits/raw:v0").splitlines()]
    assert lines[0] == "digits/raw:v0 2 runs and 1 version downstream"
    assert lines[1:4] == [f"Models {MODEL}", f"Stages {MODEL}:production", f"Aliases {MODEL}:latest"]
    assert lines[-1] == f"{MODEL}:v0 production, latest 2 run:fit > digits/mlp:v0"


def test_impact_on_nobody(ok, many) -> None:
    """It says so, and where to look further."""
    text = ok("impact", many)
    assert "130 runs and 0 versions downstream" in text
    assert "No registered model depends on it; see podium lineage digits/raw:v0 --down" in text


def test_impact_as_json(answer, trained) -> None:
    """The same facts for a script, with the whole path."""
    found = answer("impact", "run:fit")
    assert found["stages"] == [f"{MODEL}:production"]
    assert found["dependents"][0]["path"] == ["run:fit", "digits/mlp:v0"]


def test_a_long_way_is_shortened(ok, model_file) -> None:
    """Of a long way the table shows both ends; what the model itself is, is said so."""
    with closing(podium.open_registry()) as registry:
        registry.log("p/d", model_file("0"))
        for at in range(6):
            run = registry.start_run("p", id=f"r{at}").id
            registry.use(f"p/d:v{at}", run)
            registry.log("p/d", model_file(str(at + 1)), run=run)
        registry.link("p/d:v6", "model-registry/D")
    assert "run:r0 > p/d:v1 > run:r1 > ... 6 more ... > p/d:v5 > run:r5 > p/d:v6" in ok("impact", "p/d:v0")
    assert ok("impact", "p/d:v6").splitlines()[-1].split()[-1] == "itself"


@pytest.mark.parametrize("verb", ["lineage", "impact"])
@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        (["nothing"], 2, "run:ID"),
        (["run:nothing"], 3, "nothing"),
        (["digits/nothing"], 3, "digits/nothing"),
        (["digits/raw:v7"], 3, "v7"),
        ([], 2, "REF"),
    ],
    ids=str,
)
def test_wrong_references(run, trained, verb, given, code, words) -> None:
    """One line that says what to write, and the exit code for what it is."""
    result = run(verb, *given)
    assert result.exit_code == code
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr


@pytest.mark.parametrize("given", [["--depth", "0"], ["--format", "svg"], ["--json", "--format", "dot"]], ids=str)
def test_wrong_options(run, trained, given) -> None:
    """Wrong usage."""
    assert run("lineage", trained, *given).exit_code == 2


def test_show_says_how_much_there_is(ok, trained) -> None:
    """One line under the run counts what a version was made from and who used it; of a data set it names impact."""
    assert "made from 1 version, used by 1 run; podium lineage digits/mlp:v0" in ok("show", "digits/mlp")
    assert "Lineage  used by 1 run; podium impact digits/raw:v0" in " ".join(
        f"{line}\n".replace("   ", " ") for line in ok("show", "digits/raw").splitlines()
    )


def test_what_has_no_version_now(run, ok, model_file) -> None:
    """Where all versions were deleted, lineage and impact name the command that lists those."""
    with closing(podium.open_registry()) as registry:
        registry.log("digits/raw", model_file("raw"))
        registry.delete("digits/raw:v0")
    for verb in ("impact", "lineage"):
        result = run(verb, "digits/raw")
        assert result.exit_code == 3
        assert "digits/raw has no version now" in result.stderr
        assert "podium ls --deleted digits/raw" in result.stderr
