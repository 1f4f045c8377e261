"""The verbs that find versions, models and runs by what is known of them."""

from __future__ import annotations

from collections.abc import Iterator

from podium.domain.runs import RunInfo
from podium.domain.search import CollectionPage, RunPage, VersionPage
from podium.domain.versions import Collection, CollectionKind, Version
from podium.registry.base import Joint
from podium.usecases import search as usecase

_PAGE = 500


class SearchVerbs(Joint):
    """What can be found by an expression, such as ``metric.accuracy > 0.9 and tag = 'prod'``.

    All of them take a page at a time. ``next`` of a page goes into ``after=`` of the same call and gives the following
    page, also when rows were added or removed meanwhile: what was there all the time comes exactly once.
    """

    def search(
        self,
        where: str = "",
        *,
        kind: CollectionKind | None = None,
        order_by: str = "-created",
        limit: int = 100,
        after: str | None = None,
    ) -> VersionPage:
        """Return versions that fit an expression, a page at a time.

        Args:
            where: The expression; empty for all. `podium.domain.search.VERSIONS` has the fields.
            kind: ``model`` for model versions, ``artifact`` for artifact versions; None for both.
            order_by: A field with one value, with a minus before it for the greatest first. Missing values come last.
            limit: How many at most, up to 10,000.
            after: ``next`` of the page before.

        Raises:
            ExpressionError: The expression or the order cannot be understood; ``column`` says where.
            InvalidValueError: Another argument cannot be used.
        """
        with self._read() as unit:
            return usecase.search_versions(unit, usecase.Search(where, kind, order_by, limit, after))

    def search_models(
        self, where: str = "", *, order_by: str = "name", limit: int = 100, after: str | None = None
    ) -> CollectionPage:
        """Return registered models that fit an expression, a page at a time.

        Args:
            where: The expression; empty for all. `podium.domain.search.COLLECTIONS` has the fields.
            order_by: As for `search`.
            limit: As for `search`.
            after: As for `search`.

        Raises:
            ExpressionError: The expression or the order cannot be understood; ``column`` says where.
            InvalidValueError: Another argument cannot be used.
        """
        with self._read() as unit:
            return usecase.search_collections(unit, usecase.Search(where, "model", order_by, limit, after))

    def search_artifacts(
        self, where: str = "", *, order_by: str = "name", limit: int = 100, after: str | None = None
    ) -> CollectionPage:
        """Return artifacts that fit an expression, a page at a time.

        Args:
            where: The expression; empty for all. `podium.domain.search.COLLECTIONS` has the fields.
            order_by: As for `search`.
            limit: As for `search`.
            after: As for `search`.

        Raises:
            ExpressionError: The expression or the order cannot be understood; ``column`` says where.
            InvalidValueError: Another argument cannot be used.
        """
        with self._read() as unit:
            return usecase.search_collections(unit, usecase.Search(where, "artifact", order_by, limit, after))

    def search_runs(
        self, where: str = "", *, order_by: str = "-created", limit: int = 100, after: str | None = None
    ) -> RunPage:
        """Return runs that fit an expression, a page at a time.

        Args:
            where: The expression; empty for all. `podium.domain.search.RUNS` has the fields.
            order_by: As for `search`.
            limit: As for `search`.
            after: As for `search`.

        Raises:
            ExpressionError: The expression or the order cannot be understood; ``column`` says where.
            InvalidValueError: Another argument cannot be used.
        """
        with self._read() as unit:
            return usecase.search_runs(unit, usecase.Search(where, None, order_by, limit, after))

    def search_hints(self, where: str, subject: usecase.Subject = "versions") -> list[str]:
        """Return why a search may have found nothing: names that nothing in the registry has, and similar ones.

        Args:
            where: The expression.
            subject: What it is about: ``versions``, ``collections`` (models and artifacts) or ``runs``.

        Raises:
            ExpressionError: The expression cannot be understood.
        """
        with self._read() as unit:
            return usecase.name_hints(unit, where, subject)

    def find(
        self, where: str = "", *, kind: CollectionKind | None = None, order_by: str = "-created"
    ) -> Iterator[Version]:
        """Yield all versions that fit an expression; the next page is read when it is needed.

        Args:
            where: As for `search`.
            kind: As for `search`.
            order_by: As for `search`.

        Raises:
            ExpressionError, InvalidValueError: See `search`; raised when the first version is asked for.
        """
        after: str | None = None
        while True:
            page = self.search(where, kind=kind, order_by=order_by, limit=_PAGE, after=after)
            yield from page.items
            if (after := page.next) is None:
                return

    def find_models(self, where: str = "", *, order_by: str = "name") -> Iterator[Collection]:
        """Yield all registered models that fit an expression, read page by page.

        Args:
            where: As for `search_models`.
            order_by: As for `search`.

        Raises:
            ExpressionError, InvalidValueError: See `search_models`; raised when the first model is asked for.
        """
        after: str | None = None
        while True:
            page = self.search_models(where, order_by=order_by, limit=_PAGE, after=after)
            yield from page.items
            if (after := page.next) is None:
                return

    def find_runs(self, where: str = "", *, order_by: str = "-created") -> Iterator[RunInfo]:
        """Yield all runs that fit an expression, read page by page.

        Args:
            where: As for `search_runs`.
            order_by: As for `search`.

        Raises:
            ExpressionError, InvalidValueError: See `search_runs`; raised when the first run is asked for.
        """
        after: str | None = None
        while True:
            page = self.search_runs(where, order_by=order_by, limit=_PAGE, after=after)
            yield from page.items
            if (after := page.next) is None:
                return
