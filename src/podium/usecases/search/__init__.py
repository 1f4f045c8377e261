"""Searching versions, models and runs: expressions become SQL, and pages are found by key."""

from podium.usecases.search.finding import Search, search_collections, search_runs, search_versions
from podium.usecases.search.hints import Subject, name_hints

__all__ = ["Search", "Subject", "name_hints", "search_collections", "search_runs", "search_versions"]
