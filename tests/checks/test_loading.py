"""Where checks are found: modules, files, folders, lists in YAML, and built-in ones as text."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import podium
from podium.checks import load_checks, parse_spec
from podium.domain.checks import CheckResult

ONE = "import podium\n@podium.check\ndef {name}(): return True\n"


def names(*sources: object) -> list[str]:
    """Return the names of the checks that sources have."""
    return [item.name for item in load_checks(sources)]  # type: ignore[arg-type]  # whatever a user passes


def test_a_folder_has_the_checks_of_its_files(write) -> None:
    """Files called check_*.py, checks.py and *_checks.py, also deeper; hidden and other files are passed over."""
    for path, name in [
        ("quality/check_size.py", "a"),
        ("quality/deep/checks.py", "b"),
        ("quality/speed_checks.py", "c"),
        ("quality/other.py", "d"),
        ("quality/.hidden/checks.py", "e"),
        ("quality/_old/checks.py", "f"),
    ]:
        write(path, ONE.format(name=name))
    write("quality/check_helpers.py", "LIMIT = 3\n")
    assert names("quality") == names(Path("quality/")) == ["a", "b", "c"]


def test_files_of_one_name_in_two_folders_are_two(write) -> None:
    """A file is known by its place, not by its name."""
    write("one/checks.py", ONE.format(name="first"))
    write("two/checks.py", ONE.format(name="second"))
    assert names("one/checks.py", "two/checks.py", "one/checks.py:first") == ["first", "second"]


def test_a_check_that_two_files_share_is_one(write, monkeypatch) -> None:
    """A check that both import from a module runs once."""
    monkeypatch.syspath_prepend(str(Path.cwd()))
    write("shared_for_checks.py", ONE.format(name="shared"))
    for name in ("a", "b"):
        write(f"more/check_{name}.py", f"from shared_for_checks import shared\n{ONE.format(name=name)}")
    assert names("more") == ["shared", "a", "b"]
    sys.modules.pop("shared_for_checks")


LIST = """
checks:
  - max_size: {limit: 100 MB, severity: warn}
  - metric_at_least: {metric: accuracy, limit: 0.9, name: accurate}
  - scan_pickles:
  - own_checks.py
  - required_files(["*.onnx"])
"""


def test_a_list_in_yaml(write) -> None:
    """Built-in checks with their options, and any other source."""
    write("checks.yaml", LIST)
    write("own_checks.py", ONE.format(name="own"))
    assert names("checks.yaml") == ["max_size", "accurate", "scan_pickles", "own", "required_files"]


def test_what_stands_beside_a_list_is_found(lite, linked, write) -> None:
    """Files are named from the place of the list, and may import their neighbours, in any process."""
    write("deep/checks.yaml", "checks: [own_checks.py, more]")
    write("deep/own_checks.py", "import podium\nfrom limits_of_checks import c\n")
    write("deep/limits_of_checks.py", ONE.format(name="c"))
    write("deep/more/checks.py", ONE.format(name="d"))
    for isolate in (False, True):
        report = lite.test(linked, "deep/checks.yaml", isolate=isolate)
        assert [item.name for item in report.results] == ["c", "d"]
    sys.modules.pop("limits_of_checks")


@pytest.mark.parametrize("source", [3, None, [3], [None]])
def test_what_is_no_source_is_refused(lite, linked, source) -> None:
    """A number is no check, and the error says what is."""
    with pytest.raises(podium.InvalidValueError):
        lite.test(linked, source)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "checks: []",
        "checks: {max_size: 3}",
        "checks:\n  - max_size: 3",
        "checks:\n  - {a: {}, b: {}}",
        "checks:\n  - max_size: {limit: 3, colour: red}",
        "[" * 3000,
        "checks:\n  - checks.yaml",
        "other: 1\nchecks: [a.py]",
        "checks: !!python/object/apply:os.system ['touch owned']",
        "checks: [\x00]",
        "[",
    ],
)
def test_a_list_that_is_none_is_refused(write, text) -> None:
    """With the file in the error; and nothing in it is run."""
    write("checks.yaml", text)
    with pytest.raises(podium.InvalidValueError):
        load_checks(["checks.yaml"])
    assert not Path("owned").exists()


def test_a_built_in_check_as_text_is_the_same_as_the_call() -> None:
    """Positions, names and plain values, as in Python; the text of a check makes the same check again."""
    item = parse_spec(' metric_at_least("accuracy", 0.9, severity="warn") ')
    assert (item.name, item.severity) == ("metric_at_least.accuracy", "warn")
    assert item.spec is not None
    assert parse_spec(item.spec).spec == item.spec


@pytest.mark.parametrize(
    "text",
    [
        "max_size(limit=__import__('os').system('touch owned'))",
        "max_size(open('owned', 'w'))",
        "max_size(*[1])",
        "max_size(**{'limit': 1})",
        "max_size(1)(2)",
        "max_size(limit=1, limit=2)",
        "max_size(1, name=3)",
        "max_size()",
        "max_size(" + "(" * 500 + ")" * 500 + ")",
        "max_size(1) + max_size(2)",
    ],
)
def test_text_that_is_no_plain_call_is_refused(text) -> None:
    """Nothing in it is run; what is wrong is an invalid value or name."""
    with pytest.raises((podium.InvalidValueError, podium.InvalidNameError)):
        load_checks([text])
    assert not Path("owned").exists()


def test_what_is_not_there_is_not_found() -> None:
    """A module, a file, a list, a built-in check and a name in a file that do not exist."""
    Path("some_checks.py").write_text(ONE.format(name="a"))
    for source in ("no_module", "no_file.py", "no_list.yaml", "no_such(1)", "some_checks.py:b", "no/folder"):
        with pytest.raises(podium.NotFoundError):
            load_checks([source])


@pytest.mark.parametrize(
    "make",
    [
        lambda: podium.check(name="a b"),
        lambda: podium.check(severity="fatal"),
        lambda: podium.check(suite="a b"),
        lambda: podium.check(timeout=0),
        lambda: podium.check(timeout="1"),
    ],
)
def test_options_of_the_decorator_are_checked_at_once(make) -> None:
    """A value that cannot be used is refused where it stands, not when the check is over."""
    with pytest.raises((podium.InvalidValueError, podium.InvalidNameError)):
        make()(lambda: True)


def test_an_asynchronous_function_is_no_check() -> None:
    """It would return a promise, and nobody would wait for it."""

    async def later() -> bool:
        return True

    with pytest.raises(podium.InvalidValueError, match="asynchronous"):
        podium.check(later)


def test_the_subject_tells_everything(lite, linked, write) -> None:
    """Paths, metadata, metrics, the configuration of its run, tags, the card, in this process and in another."""
    with podium.init("digits", config={"lr": 0.1}, registry=lite) as run:
        run.define_metric("loss", goal="minimize")
        run.log({"loss": 0.2, "note": "fine"})
        artifact = podium.Artifact("cnn", type="model", metadata={"kind": "small"})
        Path("weights.bin").write_text("w")
        artifact.add_file("weights.bin")
        run.log_artifact(artifact)
    ref = lite.link("digits/cnn", "model-registry/CNN").ref
    lite.edit_collection("model-registry/CNN", description="# CNN")
    lite.tag(ref, "nightly")
    write(
        "checks.py",
        """
        import podium
        @podium.check
        def knows(model_version):
            m = model_version
            assert dict(m.config) == {"lr": 0.1}
            assert (m.summary["loss"], m.summary["note"], m.metrics["loss"]) == (0.2, "fine", 0.2)
            assert m.goals == {"loss": "minimize"}
            assert m.metadata == {"kind": "small"}
            assert (m.tags, m.card) == (("nightly",), "# CNN")
            assert list(m.files) == ["weights.bin"]
            assert m.file("weights.bin").read_text() == "w"
            return m.version.created_at.tzinfo is not None
        """,
    )
    for isolate in (False, True):
        report = lite.test(ref, "checks.py", isolate=isolate)
        assert report.passed, report.results


def test_data_are_a_path_or_a_reference(lite, linked, write) -> None:
    """A reference is downloaded: its file if it has only one, else the folder."""
    for number in range(2):
        write(f"set/{number}.csv", "a\n1\n")
    lite.log("digits/one", "set/0.csv", type="dataset")
    lite.log("digits/many", "set", type="dataset")
    write(
        "checks.py",
        """
        import podium
        @podium.check
        def c(model_version):
            data = model_version.data
            return data["one"].is_file() and data["many"].is_dir() and data["here"].is_dir()
        """,
    )
    data = {"one": "digits/one", "many": "digits/many:v0", "here": "set"}
    assert lite.test(linked, "checks.py", data=data).passed


def test_a_file_outside_the_version_is_not_given(subject) -> None:
    """A name that climbs out of the folder is no file of the version."""
    version = subject({"a/b": "x"})
    (version.path.parent / "secret").write_text("s")
    with pytest.raises(podium.NotFoundError):
        version.file("../secret")


def test_predictions_of_the_runs_are_compared(lite) -> None:
    """The table `predictions` that the run of each version logged is what samples are compared by."""
    for number, wrong in enumerate((10, 30)):
        rows = [["no" if row < wrong else "yes", "yes"] for row in range(200)]
        with podium.init("digits", registry=lite) as run:
            run.log({"predictions": podium.Table(columns=["prediction", "label"], data=rows)})
            artifact = podium.Artifact("cnn", type="model")
            Path("w.bin").write_text(str(number))
            artifact.add_file("w.bin")
            run.log_artifact(artifact)
        lite.link(f"digits/cnn:v{number}", "model-registry/CNN")
    lite.promote("model-registry/CNN:v0", "production")
    report = lite.test("model-registry/CNN:v1", "not_worse_on_samples(tolerance=0.02)", isolate=True)
    (result,) = report.results
    assert (result.status, result.metrics["difference"]) == ("fail", pytest.approx(-0.1))


def test_a_result_with_bad_metrics_is_an_error(lite, linked) -> None:
    """What a check returns is looked at when it returns; the other checks are recorded all the same."""

    @podium.check
    def bad() -> CheckResult:
        return CheckResult("bad", "pass", metrics={"a": [1]})

    @podium.check
    def good() -> CheckResult:
        return CheckResult("other name", "pass", "a\0b")

    report = lite.test(linked, [bad, good])
    assert [(item.name, item.status) for item in report.results] == [("bad", "error"), ("good", "pass")]
