"""Many processes at once, for the tests of races and kills.

As a script this file is a server: it imports Podium once and forks a child per actor, so that 80 actors cost 80 forks
and not 80 interpreters. `Actors` starts the server and speaks to it in lines of JSON.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import json
import multiprocessing
import os
import random
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from podium.errors import ConflictError, DatabaseUnavailableError, InvalidValueError, NotFoundError, PodiumError
from podium.plugins.host import PluginHost
from podium.registry import Registry, open_registry

ARTIFACT = "race/model"
MODEL = "model-registry/Race"
GC_ALL = {"keep_deleted": timedelta(0), "older_than": timedelta(0)}
Say = Callable[[Any], None]


class Actor:
    """What a child does: methods are named in the request, and what they return is the answer.

    Args:
        registry: Opened after the fork.
        barrier: Shared by all children of one request.
        say: Tells the test something before the answer.
    """

    def __init__(self, registry: Registry, barrier: Any, say: Say) -> None:
        self.registry, self.barrier, self.say = registry, barrier, say
        self.folder = Path(os.environ["PODIUM_HOME"]) / f"actor{os.getpid()}"
        self.folder.mkdir(parents=True)

    def file(self, text: str) -> Path:
        path = self.folder / "model.bin"
        path.write_text(text)
        return path

    def log(self, who: str, count: int) -> list[int]:
        """Log so many different versions of one artifact and return their numbers."""
        self.barrier.wait()
        return [self.registry.log(ARTIFACT, self.file(f"{who} {turn}")).number for turn in range(count)]

    def first_sets(self, verb: str, threads: int) -> list[str]:
        """Set one alias or tag for the first time from several threads at once, and say how each call ended."""
        calls = {
            "alias": lambda: self.registry.set_alias(f"{ARTIFACT}:v0", "best").changed,
            "tag": lambda: self.registry.tag(f"{ARTIFACT}:v0", "gold"),
        }
        meet, answers = threading.Barrier(threads), []

        def act() -> None:
            meet.wait()
            answers.append(outcome(calls[verb]))

        self.barrier.wait()
        several = [threading.Thread(target=act) for _ in range(threads)]
        for thread in several:
            thread.start()
        for thread in several:
            thread.join()
        return answers

    def compare_and_set(self, numbers: Sequence[int], count: int) -> list[tuple[int, int]]:
        """Move an alias so many times between versions of its own, and return the moves that were won."""
        self.barrier.wait()
        expected, won = 0, []
        for _ in range(count):
            number = numbers[expected == numbers[0]]
            try:
                self.registry.set_alias(f"{ARTIFACT}:v{number}", "best", expected=expected)
            except ConflictError as error:
                expected = int(error.holder[1:])
            else:
                won.append((expected, number))
                expected = number
        return won

    def promote(self, number: int, expected: str) -> str:
        """Try one promotion with an expectation and say how it ended."""
        self.barrier.wait()
        try:
            self.registry.promote(f"{MODEL}:v{number}", "production", expected=expected)
        except ConflictError as error:
            return f"conflict {error.holder}"
        return "won"

    def set_aliases(self, trials: Sequence[tuple[str, str]], seed: int) -> list[str]:
        """One alias per trial, set while another process deletes the version."""
        return self._trials(
            seed, [lambda r=ref, a=alias: self.registry.set_alias(r, a).changed for ref, alias in trials]
        )

    def take_out(self, trials: Sequence[tuple[str, str, bool]], seed: int) -> list[str]:
        """Delete or unlink one version per trial."""
        more = {True: {"force": True, "reason": "wrong data"}, False: {}}
        calls = [
            lambda v=verb, r=ref, m=more[force]: getattr(self.registry, v)(r, **m).ref for verb, ref, force in trials
        ]
        return self._trials(seed, calls)

    def watch(self, trials: Sequence[tuple[str, str]], seed: int) -> list[str]:
        """Read each alias while it is set and its version deleted; never does it name what is not there."""

        def look(ref: str) -> str:
            for _ in range(5):
                with contextlib.suppress(NotFoundError):
                    assert self.registry.resolve(ref).deleted_at is None
            return "ok"

        refs = [f"{ref.partition(':')[0]}:{alias}" for ref, alias in trials]
        return self._trials(seed, [lambda r=ref: look(r) for ref in refs])

    def do(self, trials: Sequence[tuple[str, Sequence[Any], dict[str, Any]]], seed: int) -> list[str]:
        """Call one verb per trial with its arguments, and say what came of it: the status, where it has one."""

        def call(verb: str, arguments: Sequence[Any], named: dict[str, Any]) -> Any:
            made = getattr(self.registry, verb)(*arguments, **named)
            return getattr(made, "status", None)

        return self._trials(seed, [lambda t=trial: call(*t) for trial in trials])

    def _trials(self, seed: int, calls: Sequence[Callable[[], Any]]) -> list[str]:
        dice, answers = random.Random(seed), []
        for call in calls:
            self.barrier.wait()
            time.sleep(dice.uniform(0, 0.002))
            answers.append(outcome(call))
        return answers

    def log_for_ever(self, seed: str) -> None:
        """Log versions of several files each and say each one that was acknowledged."""
        for turn in itertools.count():
            files = {}
            for part in range(3):
                files[f"part{part}.bin"] = self.folder / f"part{part}.bin"
                files[f"part{part}.bin"].write_bytes(f"{seed} {turn} {part} ".encode() * 5_000)
            version = self.registry.log(ARTIFACT, files)
            self.say([version.ref, version.digest])

    def link_for_ever(self, seed: str) -> None:
        """Link versions into a model and say each link that was acknowledged."""
        dice = random.Random(seed)
        while True:
            version = self._some_version(dice)
            if version is None:
                continue
            try:
                linked = self.registry.link(version, MODEL)
            except (NotFoundError, ConflictError):
                continue  # deleted meanwhile
            self.say([linked.ref, linked.source])

    def delete_for_ever(self, seed: str) -> None:
        """Delete versions that nothing holds; say each before it is tried, and once it was acknowledged."""
        dice = random.Random(seed)
        while True:
            time.sleep(0.01)  # else nothing is left for the others
            version = self._some_version(dice)
            if version is None:
                continue
            self.say(["trying", version])
            try:
                self.registry.delete(version)
            except (NotFoundError, InvalidValueError):
                continue  # linked, or deleted by one who was killed before it could say so
            self.say(["deleted", version])

    def gc_for_ever(self, seed: str) -> None:
        """Collect garbage without any grace, over and over."""
        while True:
            report = self.registry.gc(**GC_ALL)
            self.say([report.versions, report.blobs])

    def for_seconds(self, verb: str, seed: str, seconds: float) -> dict[str, int]:
        """Do one of the endless things for a while, and count what was said and each class of error."""
        seen: collections.Counter[str] = collections.Counter()
        end = time.monotonic() + seconds

        def say(_: Any) -> None:
            seen["done"] += 1
            if time.monotonic() > end:
                raise TimeoutError

        self.say = say
        while time.monotonic() < end:
            try:
                getattr(self, verb)(f"{seed} {seen.total()}")
            except PodiumError as error:
                seen[repr(error)] += 1
            except TimeoutError:
                pass
        return dict(seen)

    def write_through(self, who: str, seconds: float) -> list[tuple[float, float, str]]:
        """Write for a while, whatever happens, and return when each call began, how long it took and how it ended."""
        self.barrier.wait()
        answers, end, turn = [], time.time() + seconds, 0
        while time.time() < end:
            began, turn = time.time(), turn + 1
            try:
                ended = self.registry.log(ARTIFACT, self.file(f"{who} {turn}")).ref
            except DatabaseUnavailableError:
                ended = "unavailable"
            answers.append((began, time.time() - began, ended))
            time.sleep(0.05)
        return answers

    def _some_version(self, dice: random.Random) -> str | None:
        try:
            newest = self.registry.resolve(ARTIFACT).number
            number = max(0, newest - dice.randrange(40))
            return self.registry.resolve(f"{ARTIFACT}:v{number}").ref
        except NotFoundError:
            return None


def outcome(call: Callable[[], Any]) -> str:
    """How a call ended: ``ok`` and what it returned, or the class and text of the error."""
    try:
        return f"ok {call()}"
    except PodiumError as error:
        return f"{type(error).__name__} {error}"


class Actors:
    """The test's side: starts actors, hears them, kills them.

    Args:
        url: The database.
        content: The content.
        home: Podium's folder for the actors.
    """

    def __init__(self, url: str, content: Path, home: Path) -> None:
        self.where = {"url": url, "content": str(content)}
        home.mkdir(exist_ok=True)
        self.server = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PODIUM_HOME": str(home)},
        )
        self.heard: collections.defaultdict[int, list[dict[str, Any]]] = collections.defaultdict(list)
        self.news = threading.Condition()
        self.ids = 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def close(self) -> None:
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        self.server.stdin.close()
        self.server.wait(20)
        self.reader.join(20)
        self.server.stdout.close()

    def start(self, verb: str, calls: Sequence[Sequence[Any]]) -> list[int]:
        """Start one actor per list of arguments; they share a barrier."""
        assert self.server.stdin is not None
        first, self.ids = self.ids, self.ids + len(calls)
        request = {"verb": verb, "first": first, "calls": calls, **self.where}
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()
        return list(range(first, self.ids))

    def start_different(self, calls: Sequence[Sequence[Any]]) -> list[int]:
        """Start one actor per verb with its arguments; they share a barrier."""
        return self.start("any_of", calls)

    def answer(self, actor: int, timeout: float = 300.0) -> Any:
        """Wait for the answer of an actor."""
        return json.loads(Path(self._wait(actor, "answer", timeout)).read_text())

    def answers(self, actors: Sequence[int], timeout: float = 300.0) -> list[Any]:
        return [self.answer(actor, timeout) for actor in actors]

    def said(self, actor: int) -> list[Any]:
        """What an actor said so far."""
        with self.news:
            return [line["said"] for line in self.heard[actor] if "said" in line]

    def kill(self, actor: int) -> None:
        """Kill an actor that never ends by itself."""
        pid = self._wait(actor, "pid", 30.0)
        with self.news:
            errors = [line for line in self.heard[actor] if "error" in line]
            assert not errors, errors
        os.kill(pid, signal.SIGKILL)

    def begun(self, actor: int) -> None:
        """Wait until an actor has opened the registry."""
        self._wait(actor, "begun", 30.0)

    def ended(self, actor: int) -> None:
        """Wait until an actor is gone and everything it said was heard."""
        self._wait(actor, "exit", 30.0)

    def _wait(self, actor: int, key: str, timeout: float) -> Any:
        def there() -> Any:
            return next((line for line in self.heard[actor] if key in line or "error" in line), None)

        with self.news:
            line = self.news.wait_for(there, timeout)
        assert line is not None, f"actor {actor} gave no {key} in {timeout} s"
        # One that fails breaks the barrier of the others: all errors are told, the first cause among them.
        errors = {said["error"] for lines in self.heard.values() for said in lines if "error" in said}
        assert key in line, sorted(errors)
        return line[key]

    def _read(self) -> None:
        assert self.server.stdout is not None
        for text in self.server.stdout:
            line = json.loads(text)
            with self.news:
                self.heard[line["id"]].append(line)
                self.news.notify_all()


def act(request: dict[str, Any], actor: int, arguments: list[Any], barrier: Any) -> None:
    """Be one actor: open the registry, do what is asked, tell the answer."""
    registry = open_registry(
        request["url"], content=request["content"], actor=f"actor {actor}", host=PluginHost(discover=False)
    )
    verb, *more = [*arguments] if request["verb"] == "any_of" else [request["verb"], *arguments]
    try:
        registry.collections()  # connects
        tell(actor, begun=True)
        answer = getattr(Actor(registry, barrier, lambda said: tell(actor, said=said)), verb)(*more)
        registry.close()
    except BaseException as error:
        tell(actor, error=repr(error)[:2000])
        raise
    path = Path(os.environ["PODIUM_HOME"]) / f"answer{actor}.json"
    path.write_text(json.dumps(answer))
    tell(actor, answer=str(path))


def tell(actor: int, **line: Any) -> None:
    """Write a line in one piece, which a pipe keeps together up to 4,096 bytes, whoever else writes into it."""
    text = json.dumps({"id": actor, **line}) + "\n"
    os.write(1, text.encode())


def serve() -> None:
    """Fork an actor for each one that a line of the input asks for, and tell which began and ended."""
    running: dict[int, int] = {}
    for text in requests(running):
        request = json.loads(text)
        barrier = multiprocessing.get_context("fork").Barrier(len(request["calls"]), timeout=120)
        for actor, arguments in enumerate(request["calls"], start=request["first"]):
            pid = os.fork()
            if pid == 0:
                try:
                    act(request, actor, arguments, barrier)
                finally:
                    os._exit(0)
            running[pid] = actor
            tell(actor, pid=pid)
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def requests(running: dict[int, int]) -> Iterator[bytes]:
    """Give the lines of the input, and meanwhile tell which actors ended."""
    rest = b""
    while True:
        ready, _, _ = select.select([0], [], [], 0.01)
        chunk = os.read(0, 65536) if ready else None
        *lines, rest = (rest + (chunk or b"")).split(b"\n")
        yield from lines
        while running and (ended := os.waitpid(-1, os.WNOHANG)[0]):
            tell(running.pop(ended), exit=ended)
        if chunk == b"":
            return


if __name__ == "__main__":
    serve()
