"""MLflow's side: the same models, versions, tags and aliases, asked through its store's `search_model_versions`."""

from __future__ import annotations

import importlib
import itertools
from typing import Any

from benchmarks.protocol import serve, time_calls
from benchmarks.search.data import ALIAS, TAG, Item, items

_CHUNK = 5000


class MlflowSide:
    """What the conductor asks; see `benchmarks.search.__main__`."""

    def __init__(self) -> None:
        # By name: this environment has MLflow, the one that checks the types has not.
        self._sa: Any = importlib.import_module("sqlalchemy")
        self._tables: Any = importlib.import_module("mlflow.store.model_registry.dbmodels.models")
        self._store_of: Any = importlib.import_module("mlflow.store.model_registry.sqlalchemy_store").SqlAlchemyStore
        self._tokens: dict[int, str | None] = {}

    def open(self, url: str, folder: str) -> None:
        """Open a store, making its schema."""
        del folder
        self._store = self._store_of(url)

    def seed(self, versions: int) -> None:
        """Fill the database."""
        rows = items(versions)
        with self._store.engine.begin() as connection:
            while some := list(itertools.islice(rows, _CHUNK)):
                for table, values in self._rows(some).items():
                    if values:
                        connection.execute(self._sa.insert(table), values)
        if self._store.engine.dialect.name == "postgresql":
            with self._store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(self._sa.text("VACUUM ANALYZE"))

    def reach(self, case: str, page: int) -> int:
        """Walk to the start of a page, counted from 1, or to the last page; return which one it is."""
        assert case == "tag"
        self._tokens = {1: None}
        for number in range(1, page):
            token = self._page(self._tokens[number]).token
            if not token:
                break
            self._tokens[number + 1] = token
        return max(self._tokens)

    def run(self, case: str, page: int, times: int, seconds: float) -> list[float]:
        """Time some calls for a page that was reached."""
        assert case == "tag"
        return time_calls(lambda _: self._page(self._tokens[page]), range(times), seconds)

    def _page(self, token: str | None) -> Any:
        return self._store.search_model_versions(f"tags.team = '{TAG}'", max_results=100, page_token=token)

    def _rows(self, some: list[Item]) -> dict[Any, list[dict[str, Any]]]:
        tables = self._tables
        times = {"creation_time": 1, "last_updated_time": 1}
        state = {"current_stage": "None", "status": "READY", "source": "seed", "storage_location": "seed"}
        first = [item for item in some if item.number == 0]
        keys = [{"name": item.name, "version": item.number + 1} for item in some]
        tagged = [key for key, item in zip(keys, some, strict=True) if item.tagged]
        aliased = [key for key, item in zip(keys, some, strict=True) if item.aliased]
        return {
            tables.SqlRegisteredModel.__table__: [{"name": item.name, **times} for item in first],
            tables.SqlModelVersion.__table__: [{**key, **times, **state} for key in keys],
            tables.SqlModelVersionTag.__table__: [{**key, "key": "team", "value": TAG} for key in tagged],
            tables.SqlRegisteredModelAlias.__table__: [{**key, "alias": ALIAS} for key in aliased],
        }


if __name__ == "__main__":
    side = MlflowSide()
    serve({name: getattr(side, name) for name in dir(side) if not name.startswith("_")})
