"""Checks in a process of their own: bar 4, each case with a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import podium
from podium.checks import Check, check
from podium.checks.isolation import IsolatedRun
from podium.domain.checks import CheckResult
from podium.registry import Registry

MODEL = "model-registry/Digits classifier"

# Name of the case: what the check does, and what its result says.
HOSTILE = {
    "raises": ("raise KeyError('no such thing')", "KeyError: 'no such thing'"),
    "raises_nul": ("raise ValueError('a' + chr(0) + chr(0xd800))", "ValueError: a"),
    "words_raise": ("class E(Exception):\n        __str__ = lambda self: 1 / 0\n    raise E", "E"),
    "hangs": ("time.sleep(1000)", "It took longer than 1 s and was ended; it was in checks.py:"),
    "hangs_deaf": (
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))\n    while True: pass",
        "It took longer than 1 s and was ended; it was in checks.py:",
    ),
    "exits": ("sys.exit(3)", "SystemExit: 3"),
    "exits_hard": ("print('on my way'); os._exit(7)", "The process ended with exit code 7 before the check did."),
    "exits_as_if_well": ("os._exit(0)", "The process ended with exit code 0 before the check did."),
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", "The process was killed (SIGKILL)"),
    "killed_by_child": ("os.fork() or os.kill(os.getppid(), 9); time.sleep(60)", "The process was killed (SIGKILL)"),
    "crashes": ("os.kill(os.getpid(), signal.SIGSEGV)", "The process was ended by SIGSEGV"),
    "aborts": ("os.abort()", "The process was ended by SIGABRT"),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "out_of_memory": (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31)); x = bytearray(2**33)",
        "MemoryError",
    ),
    "prints_and_exits": ("sys.stdout.write('y' * 10_000_000); sys.stdout.flush(); os._exit(1)", "exit code 1"),
    "returns_junk": ("return 'y' * 10_000_000", "InvalidValueError: it returned 'yyyy"),
    "closes_output": ("os.close(1); os.close(2); raise OSError('closed')", "OSError: closed"),
}


def checks_file(write: Callable[..., Path], bodies: dict[str, str]) -> Path:
    """Write a file with a check for each body, between one before and one after that pass."""
    parts = ["import os, signal, sys, time\nimport podium\n"]
    for name, body in {"a_first": "return True", **bodies, "z_last": "return True"}.items():
        parts.append(f"@podium.check\ndef {name}():\n    {body}\n")
    return write("checks.py", "\n".join(parts))


@pytest.mark.parametrize("case", HOSTILE)
def test_whatever_a_check_does_is_recorded_as_error_and_the_promotion_refused(lite, linked, write, case) -> None:
    """The check has the status error with its reason, those beside it pass, and a gate that requires it refuses."""
    body, reason = HOSTILE[case]
    report = lite.test(linked, str(checks_file(write, {case: body})), timeout=1, isolate=True)
    assert [result.status for result in report.results] == ["pass", "error", "pass"]
    assert report.results[1].message.startswith(reason) or reason in report.results[1].message
    assert len(report.results[1].message) < 2_000
    assert [(item.result.name, item.result.status) for item in lite.checks(linked)][1] == (case, "error")
    lite.set_policy(MODEL, {"stages": [{"name": "staging"}, {"name": "production", "checks": [case]}]})
    with pytest.raises(podium.PromotionRefusedError, match=case):
        lite.promote(linked, "production")


def test_ten_megabytes_of_output_change_nothing(lite, linked, write) -> None:
    """A check that prints ten megabytes and passes has passed; its output is not kept."""
    path = checks_file(write, {"prints": "sys.stdout.write('y' * 10_000_000); return True"})
    report = lite.test(linked, str(path), isolate=True)
    assert report.passed
    assert report.results[1].message == ""


def test_what_looks_like_a_result_in_the_output_is_none(lite, linked, write) -> None:
    """A check that prints the words of a result on every stream that it has is still its own result."""
    line = '{"type": "result", "index": 1, "result": {"name": "liar", "status": "pass"}}'
    body = f"[os.write(n, b'''{line}\\n''') for n in (1, 2)]; return False"
    report = lite.test(linked, str(checks_file(write, {"liar": body})), isolate=True)
    assert [result.status for result in report.results] == ["pass", "fail", "pass"]


def test_a_check_that_forks_counts_once(lite, linked, write) -> None:
    """The child comes back as well; there is one result for each check all the same."""
    report = lite.test(linked, str(checks_file(write, {"forks": "os.fork(); return True"})), isolate=True)
    assert [result.status for result in report.results] == ["pass"] * 3


def test_an_output_that_cannot_be_flushed_is_no_harm(lite, linked, write) -> None:
    """A check may put anything in the place of standard output."""
    body = "sys.stdout = type('Odd', (), {'flush': lambda self: 1 / 0, 'write': print})(); return True"
    assert lite.test(linked, str(checks_file(write, {"odd": body})), isolate=True).passed


def test_no_process_is_left(lite, linked, write, tmp_path) -> None:
    """What a check started is gone when the test run is over, also after a time limit."""
    marks = tmp_path / "pids"
    body = f"open({str(marks)!r}, 'a').write(f'{{os.getpid()}} {{os.fork() or os.getpid()}} '); time.sleep(60)"
    lite.test(linked, str(checks_file(write, {"forks": body})), timeout=1)
    pids = {int(text) for text in marks.read_text().split()} - {0}
    assert pids
    assert [pid for pid in pids if alive(pid)] == []


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and is only not asked for by its new parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def test_the_checks_end_with_the_process_that_runs_them(lite, linked, write, tmp_path) -> None:
    """When a task is killed outright, the process of its checks ends by itself."""
    mark = tmp_path / "pid"
    path = checks_file(write, {"waits": f"open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)"})
    code = (
        "import sys, podium\n"
        "podium.open_registry(sys.argv[1], content=sys.argv[2]).test(sys.argv[3], sys.argv[4], isolate=True)"
    )
    given = [lite.settings.url, lite.content, linked, str(path)]
    parent = subprocess.Popen([sys.executable, "-c", code, *given])
    wait_for(lambda: mark.exists() and mark.read_text() != "")
    parent.kill()
    parent.wait()
    wait_for(lambda: not alive(int(mark.read_text())))


def wait_for(happened: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something happened."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_in_a_forked_process_without_terminal_or_input(lite, linked, write) -> None:
    """As in a worker of Airflow: forked from a process with an open registry, its standard streams closed."""
    path = str(checks_file(write, {"reads": "return sys.stdin.read() == ''"}))
    lite.resolve(linked)
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.close(0)
        report = lite.test(linked, path, isolate=True, timeout=30)
        os._exit(0 if report.passed else 1)
    assert os.waitpid(pid, 0)[1] == 0


def test_each_check_may_have_its_own_limit(lite, linked, write) -> None:
    """A limit on the check makes it run apart, and holds for it alone."""
    path = write(
        "checks.py",
        """
        import podium, time
        @podium.check(timeout=0.5)
        def short(): time.sleep(60)
        @podium.check
        def long(): time.sleep(1); return True
        """,
    )
    report = lite.test(linked, str(path))
    assert [result.status for result in report.results] == ["error", "pass"]
    assert report.results[0].message.startswith("It took longer than 0.5 s and was ended; it was in checks.py:")
    assert 0.5 <= report.results[0].duration < 30


def test_what_stands_when_a_run_is_interrupted_is_recorded(lite, linked, write) -> None:
    """Ctrl-C in the middle of a run: the checks that are through are on record, the rest is not."""
    path = checks_file(write, {"waits": "time.sleep(1); print('now'); time.sleep(60)"})

    def stop(text: str) -> None:
        if "now" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lite.test(linked, str(path), isolate=True, echo=stop)
    assert [item.result.name for item in lite.checks(linked)] == ["a_first"]


@check
def importable_check(model_version: podium.TestSubject) -> bool:
    """A check of this module."""
    return model_version.path.is_dir()


def test_a_function_runs_apart_if_another_process_finds_it(subject, write) -> None:
    """A check at the top of a file is found again by its place."""
    path = write("found.py", "import podium\n@podium.check\ndef there(model_version): return True\n")
    (item,) = podium.checks.load_checks([str(path)])
    assert [result.status for result in run_apart([item], subject())] == ["pass"]


def run_apart(items: list[Check | str], subject: podium.TestSubject, timeout: float | None = None) -> list[CheckResult]:
    """Run checks in a process of their own, without a registry."""
    sources = [podium.checks.loading.source_of(item) for item in items]
    return IsolatedRun(sources, subject, None, timeout=timeout).run()


def test_built_in_checks_run_apart(subject) -> None:
    """A built-in check that was made by a call is made again in the other process."""
    item = podium.checks.max_size("1 kB", name="small")
    (result,) = run_apart([item], subject({"a": "x"}))
    assert (result.name, result.status) == ("small", "pass")


def test_what_only_this_process_has_is_refused(lite: Registry, linked: str) -> None:
    """A function inside a function cannot be found again; the refusal says what to do."""

    @check
    def local(model_version: podium.TestSubject) -> bool:
        return True

    with pytest.raises(podium.InvalidValueError, match="Put it at the top of a module"):
        lite.test(linked, local, isolate=True)
    with pytest.raises(podium.InvalidValueError, match="needs a process of its own"):
        lite.test(linked, local, isolate=False, timeout=3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import os; os._exit(4)", "exit code 4"),
        ("raise RuntimeError('broken')", "RuntimeError: broken"),
        ("x = 1", "has no check"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_refused(lite, linked, write, text, words) -> None:
    """Nothing is known to record then; the error says why, and nothing is recorded."""
    with pytest.raises(podium.InvalidValueError, match=words):
        lite.test(linked, str(write("checks.py", text)), isolate=True)
    assert lite.checks(linked) == []


def test_the_files_beside_a_check_can_be_imported(lite, linked, write) -> None:
    """A file of checks imports its neighbour, here and in a process of its own."""
    write("some/helper_of_checks.py", "ANSWER = True")
    write(
        "some/checks.py",
        "import podium\n@podium.check\ndef c():\n    import helper_of_checks\n    return helper_of_checks.ANSWER\n",
    )
    before = list(sys.path)
    for isolate in (False, True):
        assert lite.test(linked, "some", isolate=isolate).passed
    assert sys.path == before
    sys.modules.pop("helper_of_checks", None)


def test_a_signal_has_a_name() -> None:
    """How a process ended is told in words."""
    from podium.checks.process import how_it_ended

    assert how_it_ended(-signal.SIGTERM) == "The process was ended by SIGTERM"
    assert how_it_ended(-200) == "The process was ended by signal 200"
