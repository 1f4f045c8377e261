"""Searching versions, models and runs: expressions become SQL, and pages are found by key."""

from podium.usecases.search.finding import (
    Search,
    search_collections,
    search_runs,
    search_versions,
)

__all__ = ["Search", "search_collections", "search_runs", "search_versions"]
