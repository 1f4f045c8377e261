"""The verb that puts versions side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from podium.domain.comparison import Comparison
from podium.domain.media import TableData
from podium.domain.predictions import Predictions, join_predictions
from podium.domain.versions import Version
from podium.errors import InvalidValueError, NotFoundError
from podium.registry.media import MediaVerbs
from podium.usecases import comparing


class CompareVerbs(MediaVerbs):
    """What can be done with several versions at once."""

    def compare(
        self,
        refs: Sequence[str],
        baseline: str | None = None,
        *,
        histories: bool = False,
        predictions: bool | str = False,
    ) -> Comparison:
        """Put versions side by side: metrics with changes, configuration, metadata, newest checks, files.

        Whether more is better is what `Run.define_metric` said, else what the name of a metric says; where neither
        does, no value is called better. `podium.reports` makes Markdown and HTML of the answer.

        Args:
            refs: At least one version.
            baseline: The one that changes are measured against; the first if None. It is added if it is not there.
            histories: Read the histories of the metrics, too, thinned to at most 402 points each.
            predictions: Read sample predictions, too: True for the table that has a usual name, such as
                ``predictions``; or the name of the table.

        Raises:
            IntegrityError: A stored table is damaged or missing.
            InvalidNameError: A text is no reference.
            InvalidValueError: There is nothing to compare, or no run logged the table.
            NotFoundError: A reference names nothing.
            StorageError: The content store cannot be read.
        """
        command = comparing.CompareVersions(refs, baseline, histories)
        with self._read() as unit:
            found = comparing.compare(unit, command)
            name = predictions if isinstance(predictions, str) else None
            table = comparing.find_predictions(unit, found.versions, name) if predictions else None
        if table is None:
            return found
        return replace(found, predictions=self._predictions(table, found))

    def _predictions(self, name: str, found: Comparison) -> Predictions | None:
        tables = [self._table_of(version, name) for version in found.versions]
        if all(table is None for table in tables):
            return None
        return join_predictions(name, tables, found.baseline)

    def _table_of(self, version: Version, name: str) -> TableData | None:
        """Return the table that the run of a version logged, None if it logged none of this name."""
        if version.run is None:
            return None
        try:
            return self.table(version.run, name)
        except (NotFoundError, InvalidValueError):  # another run calls an image so
            return None
