"""Podium's side: its public face, `podium.open_registry`, with the plugins that are installed."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import podium
from benchmarks.podium_seed import SPARE, model_name, seed
from benchmarks.protocol import bytes_below, serve, time_calls

ALIAS = "champion"


class PodiumSide:
    """What the conductor asks; see `benchmarks.cases`."""

    def __init__(self) -> None:
        self._registry: Any = None
        self._folder = Path()
        self._next: Counter[str] = Counter()
        self._model, self._artifact, self._versions = "", "", 0

    def open(self, url: str, folder: str, spare: int = 0) -> None:
        """Open a registry whose content and home lie in a folder; links start at a spare version."""
        self.close()
        self._folder, self._next = Path(folder), Counter(link=spare)
        self._folder.mkdir(parents=True, exist_ok=True)
        os.environ["PODIUM_HOME"] = str(self._folder / "home")  # the memory of hashes lives there
        self._content = self._folder / f"content-{url.partition(':')[0]}"  # a place has one owner
        self._registry = podium.open_registry(url, content=self._content)
        self._url = url

    def prepare(self) -> None:
        """Make the schema."""
        self._registry.upgrade()

    def seed(self, versions: int, models: int) -> float:
        """Fill the database and aim at the model in the middle; return the seconds that took."""
        start = time.perf_counter()
        seed(self._url, versions, models)
        self.aim(versions, models)
        self._registry.set_alias(f"{self._model}:v0", ALIAS)
        return time.perf_counter() - start

    def aim(self, versions: int, models: int) -> None:
        """Aim at the model in the middle."""
        self._model = f"model-registry/{model_name(models // 2)}"
        self._artifact = f"bench/a{models // 2:04}"
        self._versions = versions // models

    def run(self, case: str, times: int, seconds: float) -> list[float]:
        """Time some calls of a case."""
        numbers = range(self._next[case], self._next[case] + times)
        before = self._write_file if case == "log" else None
        samples = time_calls(getattr(self, f"_{case}"), numbers, seconds, before)
        self._next[case] += len(samples)
        return samples

    def store(self, name: str, source: str) -> dict[str, float]:
        """Log a folder; return the seconds and the bytes below this side's folder after it."""
        os.sync()  # nobody pays for the bytes that were written before
        (seconds,) = time_calls(lambda _: self._registry.log(f"bench/{name}", source), [0], 0)
        return {"seconds": seconds, "bytes": bytes_below(self._content)}

    def fetch(self, name: str, to: str) -> dict[str, float]:
        """Download the newest version."""
        os.sync()
        (seconds,) = time_calls(lambda _: self._registry.download(f"bench/{name}", to), [0], 0)
        return {"seconds": seconds, "bytes": bytes_below(Path(to))}

    def facts(self) -> dict[str, Any]:
        """Return the settings that make a commit durable, as a connection of the registry has them."""
        with self._registry._database.read() as connection:  # no verb tells this
            if connection.dialect.name == "sqlite":
                names = ("PRAGMA synchronous", "PRAGMA journal_mode", "PRAGMA foreign_keys")
            else:
                names = ("SHOW fsync", "SHOW synchronous_commit", "SHOW server_version")
            facts = {name: connection.execute(sa.text(name)).scalar() for name in names}
        return {"podium": podium.__version__, "sqlalchemy": sa.__version__, **facts}

    def close(self) -> None:
        """Close the registry, if one is open."""
        if self._registry is not None:
            self._registry.close()
            self._registry = None

    def _write_file(self, number: int) -> None:
        (self._folder / "model.bin").write_text(f"model {os.getpid()} {number}\n" * 40, encoding="utf-8")

    def _log(self, _number: int) -> None:
        self._registry.log(self._artifact, self._folder / "model.bin")

    def _link(self, number: int) -> None:
        assert number < SPARE
        assert self._registry.link(f"bench/spare:v{number}", self._model).created

    def _alias(self, number: int) -> None:
        self._registry.set_alias(f"{self._model}:v{number % self._versions}", ALIAS)

    def _read(self, _number: int) -> None:
        self._registry.resolve(f"{self._model}:{ALIAS}")

    def _overview(self, _number: int) -> None:
        self._registry.model(self._model)


if __name__ == "__main__":
    side = PodiumSide()
    serve({name: getattr(side, name) for name in dir(side) if not name.startswith("_")})
    side.close()
