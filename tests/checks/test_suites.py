"""Suites of pytest: bar 5, every test a check, with real runs of pytest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

import podium
from podium.domain.checks import CheckResult
from podium.registry import Registry

MODEL = "model-registry/Digits classifier"

SUITE = """
    import pytest

    @pytest.mark.parametrize("number", range(12))
    def test_number(number, model_version):
        assert number not in (3, 7), f"{number} is unlucky"

    @pytest.mark.parametrize("word", ["small", "two words", "ä", "d" * 80])
    def test_word(word): pass

    def test_metric(model_version, record_metric, record_property):
        record_metric("accuracy", model_version.metrics["accuracy"])
        record_property("f1", 0.5)
        record_property("owner", "ann")
        record_property("message", "as good as it gets")

    def test_nobody_to_compare_with(champion): assert champion is None
    def test_raises(): raise KeyError("label")

    # Left out in each way that pytest knows: what is recorded of that is the promise.
    @pytest.mark.skip(reason="no GPU")
    def test_skipped(): pass
    @pytest.mark.skipif(True, reason="not today")
    def test_skipped_if(): pass
    def test_skipped_inside(): pytest.skip("found out late")

    @pytest.mark.xfail(reason="issue 12")
    def test_expected(): assert False
    @pytest.mark.xfail(run=False, reason="would crash")
    def test_expected_not_run(): assert False
    @pytest.mark.xfail(strict=True, reason="issue 13")
    def test_mended(): pass
    @pytest.mark.xfail
    def test_mended_quietly(): pass

    @pytest.fixture
    def broken(): raise RuntimeError("no data")
    @pytest.fixture
    def broken_after():
        yield
        raise RuntimeError("cannot clean up")
    def test_setup(broken): pass
    def test_teardown(broken_after): pass

    @pytest.mark.podium(name="latency", severity="warn", suite="speed")
    def test_named(): assert False, "too slow"

    class TestClass:
        def test_method(self): pass

    def test_parts(subtests):
        for part in range(3):
            with subtests.test(part=part):
                assert part != 1, "part is wrong"
"""
BASE = "test_model-"
EXPECTED: dict[str, str] = {
    **{f"{BASE}test_number.{number}": "fail" if number in (3, 7) else "pass" for number in range(12)},
    f"{BASE}test_word.small": "pass",
    f"{BASE}test_metric": "pass",
    f"{BASE}test_nobody_to_compare_with": "pass",
    f"{BASE}test_raises": "fail",
    f"{BASE}test_skipped": "skipped",
    f"{BASE}test_skipped_if": "skipped",
    f"{BASE}test_skipped_inside": "skipped",
    f"{BASE}test_expected": "skipped",
    f"{BASE}test_expected_not_run": "skipped",
    f"{BASE}test_mended": "fail",
    f"{BASE}test_mended_quietly": "pass",
    f"{BASE}test_setup": "error",
    f"{BASE}test_teardown": "error",
    "latency": "fail",
    f"{BASE}TestClass-test_method": "pass",
    f"{BASE}test_parts": "fail",
}
COUNT = len(EXPECTED) + 3  # three words do not fit the rule of names; their checks end in a digest
PLUGIN = ("-p", "podium.testing.pytest_plugin")


def split(results: Mapping[str, CheckResult]) -> tuple[dict[str, str], list[str]]:
    """Return the status of the checks whose names are written above, and of the others."""
    known = {name: result.status for name, result in results.items() if name in EXPECTED}
    return known, [result.status for name, result in results.items() if name not in EXPECTED]


def recorded(registry: Registry, ref: str) -> dict[str, CheckResult]:
    """Return what stands in the registry, each name once."""
    found = registry.checks(ref)
    assert len({item.result.name for item in found}) == len(found)
    return {item.result.name: item.result for item in found}


def pytest_run(registry: Registry, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run pytest as a user does."""
    given = {"PODIUM_URL": registry.settings.url, "PODIUM_CONTENT": registry.content, **env}
    command = [sys.executable, "-m", "pytest", *PLUGIN, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **given}, timeout=120, check=False
    )


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_a_suite_leaves_exactly_its_results(lite, linked, write, options) -> None:
    """Thirty tests of every kind: as many checks, each with the status that pytest gave, with xdist, too."""
    assert COUNT >= 30
    write("test_model.py", SUITE)
    report = lite.test(linked, suite="test_model.py", pytest_options=options)
    assert len(report.results) == COUNT
    assert split(recorded(lite, linked)) == (EXPECTED, ["pass"] * 3)
    assert report.not_run == ()


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_plain_pytest_leaves_exactly_its_results(lite, linked, write, options) -> None:
    """The same with pytest itself and --podium-model; its exit code is its own."""
    write("test_model.py", SUITE)
    done = pytest_run(lite, "--podium-model", linked, "test_model.py", *options)
    assert done.returncode == 1, done.stdout
    assert f"podium: recorded {COUNT} checks on {linked}" in done.stdout
    assert split(recorded(lite, linked)) == (EXPECTED, ["pass"] * 3)


def test_messages_metrics_and_severity(lite, linked, write) -> None:
    """A check has the message of its test, its metrics and what the marker says."""
    write("test_model.py", SUITE)
    lite.test(linked, suite="test_model.py")
    found = recorded(lite, linked)
    metric = found[f"{BASE}test_metric"]
    assert (metric.metrics, metric.message) == ({"accuracy": 0.9, "f1": 0.5}, "as good as it gets")
    assert found[f"{BASE}test_number.3"].message.startswith("AssertionError: 3 is unlucky")
    assert found[f"{BASE}test_raises"].message == "KeyError: 'label'"
    assert found[f"{BASE}test_skipped"].message == "no GPU"
    assert found[f"{BASE}test_expected"].message == "Failed, as expected: issue 12"
    assert found[f"{BASE}test_setup"].message == "In setup: RuntimeError: no data"
    assert found[f"{BASE}test_parts"].message.startswith("1 subtest failed: (part=1) AssertionError: part is wrong")
    assert (found["latency"].severity, found["latency"].suite) == ("warn", "speed")
    assert metric.suite == "test_model"


HOSTILE = {
    "exits": ("import os; os._exit(3)", "The process ended with exit code 3 before the test did."),
    "exits_as_if_well": ("import os; os._exit(0)", "The process ended with exit code 0 before the test did."),
    "killed": ("import os; os.kill(os.getpid(), 9)", "The process was killed (SIGKILL)"),
    "hangs": (
        "import time; time.sleep(1000)",
        "It took longer than 5 s and was ended; it was in test_it.py:2 (test_b).",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_test_that_ends_pytest_is_an_error_and_the_others_run(lite, linked, write, case) -> None:
    """The process that ran the suite is gone in the middle; a new one runs what has no result."""
    body, reason = HOSTILE[case]
    write("test_it.py", f"def test_a(): pass\ndef test_b(): {body}\ndef test_c(): pass\n")
    report = lite.test(linked, suite="test_it.py", timeout=5)
    assert [(result.name, result.status) for result in report.results] == [
        ("test_it-test_a", "pass"),
        ("test_it-test_b", "error"),
        ("test_it-test_c", "pass"),
    ]
    assert report.results[1].message.startswith(reason)
    assert len(recorded(lite, linked)) == 3


def test_a_worker_that_dies_takes_only_its_test_along(lite, linked, write) -> None:
    """With xdist a worker is killed: its test is an error under its own name, the others have their results."""
    write(
        "test_it.py",
        """
        import os, pytest
        @pytest.mark.podium(name="deadly")
        def test_dies(): os._exit(1)
        @pytest.mark.parametrize("n", range(4))
        def test_fine(n): pass
        """,
    )
    lite.test(linked, suite="test_it.py", pytest_options=["-n", "2"])
    found = recorded(lite, linked)
    assert found.pop("deadly").status == "error"
    assert [result.status for result in found.values()] == ["pass"] * 4


def test_groups_of_xdist_change_no_name(lite, linked, write) -> None:
    """--dist loadgroup writes the group of a test into its node id; the check is called as ever."""
    write("test_it.py", "import pytest\n@pytest.mark.xdist_group('gpu')\ndef test_a(): pass\n")
    for options in ([], ["-n", "1", "--dist", "loadgroup"]):
        (result,) = lite.test(linked, suite="test_it.py", pytest_options=options).results
        assert (result.name, result.suite) == ("test_it-test_a", "test_it")


def test_results_stand_when_plain_pytest_is_interrupted(lite, linked, write) -> None:
    """Ctrl-C in the middle of a run: the tests that are through are on record."""
    write("test_it.py", "import os, signal\ndef test_a(): pass\ndef test_b(): os.kill(os.getpid(), signal.SIGINT)\n")
    done = pytest_run(lite, "--podium-model", linked, "test_it.py")
    assert done.returncode == 2
    assert recorded(lite, linked)["test_it-test_a"].status == "pass"


def test_results_stand_when_plain_pytest_is_killed(lite, linked, write) -> None:
    """Whatever was through ten seconds before the process was killed is on record."""
    write(
        "test_it.py",
        """
        import os
        from podium.testing import pytest_session
        pytest_session._EVERY = 0.0
        def test_a(): pass
        def test_b(): os.kill(os.getpid(), 9)
        """,
    )
    assert pytest_run(lite, "--podium-model", linked, "test_it.py").returncode == -signal.SIGKILL
    assert {name: result.status for name, result in recorded(lite, linked).items()} == {"test_it-test_a": "pass"}


def test_a_file_that_cannot_be_loaded_is_an_error(lite, linked, write) -> None:
    """A suite with a broken file has an error of the file's name, in one process and with two workers."""
    write("test_it.py", "import no_such_module\n")
    write("test_other.py", "def test_a(): pass\n")
    for options in ([], ["-n", "2"]):
        report = lite.test(linked, suite=["test_it.py", "test_other.py"], pytest_options=options)
        broken = {result.name: result for result in report.results}["test_it"]
        assert broken.status == "error"
        assert "No module named 'no_such_module'" in broken.message
        assert not report.passed


def test_what_was_not_run_is_named_and_not_recorded(lite, linked, write) -> None:
    """After -x the tests behind the first failure have no result; the report names them and does not pass."""
    write("test_it.py", "def test_a(): assert 0\ndef test_b(): pass\n")
    report = lite.test(linked, suite="test_it.py", pytest_options=["-x"])
    assert report.not_run == ("test_it-test_b",)
    assert list(recorded(lite, linked)) == ["test_it-test_a"]
    assert not report.passed


@pytest.mark.parametrize("options", [["-x"], ["--maxfail", "1"]])
def test_a_process_that_ends_is_a_failure_that_stops_the_rest(lite, linked, write, options) -> None:
    """With ``-x``, what stands behind a test that ends the process is named as not run, and earlier results stay."""
    write("test_it.py", "import os\ndef test_a(): os._exit(0)\ndef test_b(): ...\ndef test_c(): ...")
    report = lite.test(linked, suite="test_it.py", pytest_options=options)
    assert [(result.name, result.status) for result in report.results] == [("test_it-test_a", "error")]
    assert (report.not_run, report.passed) == (("test_it-test_b", "test_it-test_c"), False)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["-k", "two"], ["test_two"]),
        (["--deselect", "test_it.py::test_one"], ["test_two"]),
        (["-p", "no:terminal"], ["test_one", "test_two"]),
        (["-p", "no:cacheprovider", "-q", "--tb=no", "-s"], ["test_one", "test_two"]),
        (["-vv", "--capture=fd", "--durations=3"], ["test_one", "test_two"]),
        (["--junitxml=out.xml", "-o", "junit_family=xunit1"], ["test_one", "test_two"]),
    ],
)
def test_options_of_pytest_work(lite, linked, write, options, names) -> None:
    """What follows is handed to pytest as it is."""
    write("test_it.py", "def test_one(): pass\ndef test_two(): print('x' * 1000)\n")
    report = lite.test(linked, suite="test_it.py", pytest_options=options)
    assert [result.name for result in report.results] == [f"test_it-{name}" for name in names]


def test_the_last_failures_can_be_run_alone(lite, linked, write) -> None:
    """--lf runs what failed the last time; the newest result per name counts."""
    write("test_it.py", "from pathlib import Path\ndef test_a(): assert Path('good').exists()\ndef test_b(): pass\n")
    assert not lite.test(linked, suite="test_it.py").passed
    Path("good").touch()
    report = lite.test(linked, suite="test_it.py", pytest_options=["--lf"])
    assert [(result.name, result.status) for result in report.results] == [("test_it-test_a", "pass")]


def test_a_configuration_that_needs_a_plugin_works(lite, linked, write) -> None:
    """Plugins are not loaded by themselves; where the options of a project need one, they are."""
    Path("pytest.ini").write_text("[pytest]\naddopts = --dist=loadfile -n 2\n")
    write("test_it.py", "def test_a(): pass\n")
    assert lite.test(linked, suite="test_it.py").passed


def test_fixtures_give_the_version_and_the_champion(lite, linked, write, model_file) -> None:
    """`champion` is who holds the stage, with its files; `data` is what the run was told."""
    lite.promote(linked, "production")
    lite.log("digits/mlp", model_file("better"), metrics={"accuracy": 0.95})
    better = lite.link("digits/mlp", MODEL).ref
    Path("held_out.csv").write_text("a\n1\n")
    write(
        "test_it.py",
        """
        def test_both(model_version, champion):
            assert (model_version.ref[-2:], champion.ref[-2:]) == ("v1", "v0")
            assert model_version.metrics["accuracy"] > champion.metrics["accuracy"]
            assert model_version.file("model.bin").read_text() == "better"
            assert champion.file("model.bin").read_text() == "model"
            assert model_version.data["held-out"].read_text() == "a\\n1\\n"
        """,
    )
    assert lite.test(better, suite="test_it.py", data={"held-out": "held_out.csv"}).passed
    done = pytest_run(lite, "--podium-model", better, "--podium-data", "held-out=held_out.csv", "test_it.py")
    assert done.returncode == 0, done.stdout


def test_without_a_model_the_tests_are_skipped(lite, write) -> None:
    """A run of pytest that is about something else records nothing, and says what the tests need."""
    write("test_it.py", "def test_a(model_version): pass\n")
    done = pytest_run(lite, "-rs", "test_it.py")
    assert done.returncode == 0
    assert "needs a model: pytest --podium-model" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--podium-model", "model-registry/Nobody"], "There is no 'model-registry/Nobody'"),
        (["--podium-model", "nonsense"], "is not a reference"),
        (["--podium-model", MODEL, "--podium-data", "x"], "write NAME=PATH"),
        (["--podium-model", MODEL, "--podium-data", "x=nowhere"], "neither such a path nor such a version"),
    ],
)
def test_wrong_options_are_wrong_usage(lite, linked, write, arguments, words) -> None:
    """pytest ends with code 4 and one line that says what to do."""
    write("test_it.py", "def test_a(): pass\n")
    done = pytest_run(lite, *arguments, "test_it.py")
    assert done.returncode == 4
    assert words in done.stderr


@pytest.mark.parametrize(
    ("suite", "words"),
    [
        ("import pytest\n@pytest.mark.podium(name='a b')\ndef test_a(): pass\n", "'a b' is not a valid name"),
        ("import pytest\n@pytest.mark.podium(severity='x')\ndef test_a(): pass\n", "severity='warn'"),
        (
            "import pytest\n@pytest.mark.podium(name='one')\nclass TestA:\n"
            "    def test_a(self): pass\n    def test_b(self): pass\n",
            "are both recorded as the check 'one'",
        ),
        ("def helper(): pass\n", "pytest ran no test"),
    ],
)
def test_a_suite_that_cannot_be_recorded_is_refused(lite, linked, write, suite, words) -> None:
    """Nothing is recorded, and the error says why."""
    write("test_it.py", suite)
    with pytest.raises(podium.InvalidValueError, match=words):
        lite.test(linked, suite="test_it.py")
    assert lite.checks(linked) == []


def test_collecting_records_nothing(lite, linked, write) -> None:
    """--collect-only runs no test, so no check is recorded."""
    write("test_it.py", "def test_a(): pass\n")
    assert pytest_run(lite, "--podium-model", linked, "--collect-only", "test_it.py").returncode == 0
    assert lite.checks(linked) == []


def test_the_plugin_is_light() -> None:
    """Every run of pytest loads the plugin; it brings no module of the registry, and no library."""
    code = """
        import sys, pytest
        before = set(sys.modules)
        import podium.testing.pytest_plugin
        print(sorted(set(sys.modules) - before))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "['podium', 'podium.testing', 'podium.testing.pytest_plugin']"


def test_suites_and_checks_make_one_report(lite, linked, write) -> None:
    """Checks and tests run on one download and are recorded together."""
    write("test_it.py", "def test_a(): pass\n")
    report = lite.test(linked, 'max_size("1 MB")', suite="test_it.py")
    assert [result.name for result in report.results] == ["max_size", "test_it-test_a"]


def test_pytest_that_does_not_end_is_ended(lite, linked, write, monkeypatch) -> None:
    """A thread that a test left behind keeps the process; the results are complete, and nobody waits for it."""
    monkeypatch.setattr("podium.checks.suite._LEAVING", 1.0)
    body = "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()"
    write("test_it.py", f"def test_a(): {body}\ndef test_b(): pass\n")
    report = lite.test(linked, suite="test_it.py")
    assert [(result.status, report.not_run) for result in report.results] == [("pass", ())] * 2


def test_pytest_that_does_not_begin_is_ended(lite, linked, write, monkeypatch) -> None:
    """A file that hangs when it is loaded: where there is a limit, it is an error that says so."""
    monkeypatch.setattr("podium.checks.suite._QUIET", 3.0)
    write("test_it.py", "import time; time.sleep(600)\ndef test_a(): pass\n")
    with pytest.raises(podium.InvalidValueError, match="pytest ran no test"):
        lite.test(linked, suite="test_it.py", timeout=1)


def test_a_test_that_forks_counts_once(lite, linked, write) -> None:
    """The child comes back into pytest as well, and ends as if it were pytest; its words are no results."""
    write("test_it.py", "import os\ndef test_a(): os.fork()\ndef test_b(): pass\n")
    report = lite.test(linked, suite="test_it.py")
    assert [result.status for result in report.results] == ["pass"] * 2


def test_a_test_that_is_run_again_counts_once(lite, linked, write) -> None:
    """As pytest-rerunfailures reports it: attempts with the outcome `rerun` are no results."""
    Path("conftest.py").write_text(
        textwrap.dedent("""
            import pytest
            from _pytest.runner import runtestprotocol

            def pytest_runtest_protocol(item, nextitem):
                item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
                for attempt in range(2):
                    for report in runtestprotocol(item, nextitem=nextitem, log=False):
                        if attempt == 0 and report.failed:
                            report.outcome = "rerun"
                        item.ihook.pytest_runtest_logreport(report=report)
                return True
            """)
    )
    write("test_it.py", "tries = []\ndef test_a():\n    tries.append(1)\n    assert len(tries) == 2\n")
    report = lite.test(linked, suite="test_it.py")
    assert [(result.name, result.status) for result in report.results] == [("test_it-test_a", "pass")]


@pytest.mark.parametrize("more", [(), PLUGIN], ids=["by itself", "and by name"])
def test_the_entry_point_loads_the_plugin_once(lite, linked, write, tmp_path, more) -> None:
    """Where Podium is installed, pytest knows the options by itself; naming the plugin as well is no clash."""
    settings = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    ((name, place),) = settings["project"]["entry-points"]["pytest11"].items()
    info = tmp_path / "installed" / "podium_as_installed-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: podium-as-installed\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[pytest11]\n{name} = {place}\n")
    write("test_it.py", "def test_a(model_version): pass\n")
    env = {**os.environ, "PODIUM_URL": lite.settings.url, "PODIUM_CONTENT": lite.content}
    env["PYTHONPATH"] = os.pathsep.join([str(info.parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "pytest", *more, "--podium-model", linked, "test_it.py"]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(lite.checks(linked)) == 1
