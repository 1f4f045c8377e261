"""The process in which checks run apart: it loads them, runs one after the other, and writes each result down at once.

What it says goes into a file of JSON lines, so that nothing that a check prints can get between. Its standard output
and error are a pipe to the parent, its standard input is empty. When the parent is gone it ends by itself.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

LEASE = 0  # the parent holds the other end of standard input for as long as it lives


def main(request: str) -> None:
    """Do what a request says; it never returns.

    Args:
        request: The file that `podium.checks.isolation` wrote.
    """
    told = json.loads(Path(request).read_text(encoding="utf-8"))
    _end_with_parent()
    with open(told["records"], "a", encoding="ascii") as records, open(told["stacks"], "w", encoding="utf-8") as stacks:
        code = 0
        try:
            _run(told, records, stacks)
        except BaseException as error:  # noqa: BLE001 - what is left is told by the way it ended
            _write(records, {"type": "broken", "error": f"{type(error).__name__}: {error}"[:500]})
            code = 1
        _flush()
        records.flush()
        os._exit(code)  # a thread that a check left behind must not keep the process


def _run(told: dict[str, Any], records: IO[str], stacks: IO[str]) -> None:
    from podium.checks.guard import FileGuard
    from podium.checks.loading import importable, load_checks
    from podium.checks.running import run_guarded
    from podium.checks.subject import TestSubject
    from podium.errors import PodiumError

    own = os.getpid()
    version = TestSubject.from_json(told["model_version"])
    champion = TestSubject.from_json(told["champion"]) if told["champion"] else None
    guard = FileGuard.from_json(told["guard"])
    with importable(told["sources"]):
        try:
            found = load_checks(told["sources"])
        except PodiumError as error:
            _write(records, {"type": "refused", **error.to_json()})
            return
        known = [
            {"name": item.name, "severity": item.severity, "suite": item.suite, "timeout": item.timeout}
            for item in found
        ]
        _write(records, {"type": "loaded", "checks": known})
        for index in range(told["start"], len(found)):
            item = found[index]
            limit = item.timeout or told["timeout"]
            _write(records, {"type": "start", "index": index})
            if limit:
                stacks.seek(0)
                faulthandler.dump_traceback_later(limit, file=stacks)
            result = run_guarded(item, version, champion, guard, interrupts=True)
            if os.getpid() != own:  # the check forked, and its child came back as well
                os._exit(0)
            faulthandler.cancel_dump_traceback_later()
            _write(records, {"type": "result", "index": index, "result": result.to_json()})


def _write(records: IO[str], record: dict[str, Any]) -> None:
    """Write one line; what was printed before it is on its way to the parent by then."""
    _flush()
    records.write(json.dumps(record) + "\n")
    records.flush()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # a check closed it, or put something else in its place
            stream.flush()


def _end_with_parent() -> None:
    """End this process and all that it started when the parent is gone: its end of our standard input closes then."""
    lease = os.dup(LEASE)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, LEASE)
    os.close(nowhere)

    def wait() -> None:
        while os.read(lease, 1):
            pass
        os.killpg(os.getpgid(0), signal.SIGKILL)

    threading.Thread(target=wait, name="podium-lease", daemon=True).start()
