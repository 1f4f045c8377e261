"""The commands that keep an installation small: expire, gc, cache."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from podium.cli.completion import complete_space
from podium.cli.given import duration
from podium.cli.options import State, Topic, Verb, pass_state
from podium.cli.output import Column, count, print_pairs, print_table, say, shell_word, size_text, styled, time_text
from podium.cli.streams import counted

if TYPE_CHECKING:
    from podium.content.cache import Cache
    from podium.domain.versions import Expiring
    from podium.usecases.garbage import GcReport


@click.command("expire", cls=Verb)
@click.argument("project", required=False, shell_complete=complete_space)
@click.option("--dry-run", is_flag=True, help="Only show what would go; so it is without --yes.")
@click.option("--yes", "-y", is_flag=True, help="Delete them.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many.")
@pass_state
def expire_command(state: State, project: str | None, dry_run: bool, yes: bool, limit: int | None) -> None:
    """Delete the versions whose time to live has ended.

    It only shows them, unless --yes is given. What is linked or aliased is kept all the same. Deletion is soft:
    'podium restore' brings a version back.
    """
    if dry_run and yes:
        raise click.UsageError("Give --dry-run or --yes, not both.", click.get_current_context())
    with state.registry() as registry:
        found = registry.expire(project, dry_run=not yes, limit=limit)
    if state.json:
        state.print_json({"dry_run": not yes, "versions": found})
    elif found:
        _print_expired(found, deleted=yes, project=project)
    else:
        say("No time to live has ended")


def _print_expired(found: Sequence[Expiring], *, deleted: bool, project: str | None) -> None:
    columns = [Column("Version", fold=True), Column("Ended"), Column("Size", right=True), Column("Kept by", fold=True)]
    rows = [
        (
            styled(item.version.ref, "bold"),
            time_text(item.version.expires_at),
            size_text(item.version.size),
            ", ".join(item.kept_by) or "-",
        )
        for item in found
    ]
    print_table(columns, rows)
    kept = sum(bool(item.kept_by) for item in found)
    gone = count(len(found) - kept, "version")
    rest = f", {kept} kept" if kept else ""
    if deleted:
        say(f"{gone} deleted{rest}")
    else:
        where = f" {shell_word(project)}" if project else ""
        say(f"{gone} would be deleted{rest}; do it: podium expire{where} --yes")


@click.command("gc", cls=Verb, examples=[("podium gc --dry-run", "what would go"), ("podium gc", "from cron, weekly")])
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option(
    "--keep-deleted",
    type=duration,
    default="30d",
    show_default=True,
    metavar="TIME",
    help="How long deleted versions can be restored; older ones give up their content for good.",
)
@click.option(
    "--older-than",
    type=duration,
    default="1d",
    show_default=True,
    metavar="TIME",
    help="Leave content alone until it is so old: a writer may just have stored it.",
)
@pass_state
def gc_command(state: State, dry_run: bool, keep_deleted: timedelta, older_than: timedelta) -> None:
    """Remove stored content that nothing refers to.

    That is content of versions deleted long ago, of writers that were killed, and half-written files. It is safe beside
    writers and can be killed at any point.
    """
    with state.registry() as registry, counted("Looking", None, show=not state.json) as step:
        report = registry.gc(dry_run=dry_run, keep_deleted=keep_deleted, older_than=older_than, progress=step)
    if state.json:
        state.print_json(report)
    else:
        _say_collected(report)


def _say_collected(report: GcReport) -> None:
    would = "would be " if report.dry_run else ""
    parts = [
        (report.versions, f"{count(report.versions, 'deleted version')} {would}given up for good"),
        (report.blobs, f"{count(report.blobs, 'content')} {would}removed ({size_text(report.size)})"),
        (
            report.leftovers,
            f"{count(report.leftovers, 'half-written file')} {would}removed ({size_text(report.leftover_size)})",
        ),
    ]
    for number, text in parts:
        if number:
            say(text)
    if not any(number for number, _ in parts):
        say("There is nothing to remove")
    if report.young:
        say(f"{count(report.young, 'content')} that nothing refers to too young to judge; see --older-than")


@click.group("cache", cls=Topic)
def cache_command() -> None:
    """Look at the local cache of remote content and empty it."""


@cache_command.command("show")
@pass_state
def show_cache(state: State) -> None:
    """Say where the cache is, and how large it is and may be."""
    cache = _cache(state)
    size = cache.size()
    if state.json:
        state.print_json({"path": cache.root, "size": size, "limit": cache.limit})
        return
    limit = size_text(cache.limit) if cache.limit else "turned off by PODIUM_CACHE_SIZE=0"
    print_pairs([("Cache", str(cache.root)), ("Size", size_text(size)), ("Limit", limit)])


@cache_command.command("prune")
@pass_state
def prune_cache(state: State) -> None:
    """Remove what was not used for longest until the limit holds."""
    cache = _cache(state)
    _answer(state, cache, cache.prune())


@cache_command.command("clear")
@pass_state
def clear_cache(state: State) -> None:
    """Remove everything in the cache but what is being fetched right now; it is fetched again when needed."""
    cache = _cache(state)
    _answer(state, cache, cache.clear())


def _answer(state: State, cache: Cache, removed: int) -> None:
    left = cache.size()
    if state.json:
        state.print_json({"path": cache.root, "removed": removed, "size": left})
    else:
        say(f"{size_text(removed)} removed from {cache.root}, {size_text(left)} left")


def _cache(state: State) -> Cache:
    # It is this machine's and needs no database. One that is turned off may still have to be emptied.
    from podium.content.cache import Cache
    from podium.settings import read_settings

    settings = read_settings(state.url, state.content, state.actor)
    return Cache(settings.home / "cache", settings.cache_bytes)
