"""The command that brings an MLflow registry over."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from podium.cli.completion import complete_registry, complete_space
from podium.cli.options import State, Verb, pass_state
from podium.cli.output import Column, count, make_console, print_table, say, size_text, styled

if TYPE_CHECKING:
    from podium.moving.mlflow import ImportReport, ModelReport, Problem

_INCOMPLETE = 1
_STYLES = {"left_out": "bold red", "conflict": "yellow", "note": "dim"}
_WORDS = {"left_out": "left out", "conflict": "conflict", "note": "note"}
# Where MLflow runs for a moment and only reads, unless the environment says otherwise.
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_ALLOW_FILE_STORE": "true",
}


@click.command(
    "import-mlflow",
    cls=Verb,
    examples=[
        ("podium import-mlflow http://mlflow:5000 --dry-run", "what would come over"),
        ("podium import-mlflow sqlite:///mlflow.db --project churn", ""),
        ("podium import-mlflow http://mlflow:5000 --model 'Churn: EU' --rename 'Churn: EU=Churn EU'", "one, renamed"),
    ],
)
@click.argument("tracking_uri", metavar="TRACKING_URI", envvar="MLFLOW_TRACKING_URI")
@click.option("--registry-uri", metavar="URI", help="Where MLflow's models are, if not where its runs are.")
@click.option("--model", "models", multiple=True, metavar="NAME", help="Only this model; repeatable.")
@click.option(
    "--to",
    default="model-registry",
    show_default=True,
    metavar="REGISTRY",
    help="The registry here; it exists.",
    shell_complete=complete_registry,
)
@click.option(
    "--project",
    default="mlflow",
    show_default=True,
    help="The project of files and runs.",
    shell_complete=complete_space,
)
@click.option("--rename", multiple=True, metavar="OLD=NEW", help="Another name for a model; repeatable.")
@click.option("--rename-alias", multiple=True, metavar="OLD=NEW", help="Another name for an alias; repeatable.")
@click.option("--overwrite", is_flag=True, help="Take MLflow's where an alias, stage or text was changed here since.")
@click.option("--dry-run", is_flag=True, help="Only say what would come over; no file is read.")
@pass_state
def import_mlflow_command(
    state: State,
    tracking_uri: str,
    registry_uri: str | None,
    models: tuple[str, ...],
    to: str,
    project: str,
    rename: tuple[str, ...],
    rename_alias: tuple[str, ...],
    overwrite: bool,
    dry_run: bool,
) -> int:
    """Bring the registered models of an MLflow registry over.

    Versions keep their numbers; files, tags, aliases, stages, descriptions and runs with all their metrics come along.
    Again, it adds what is new since. What is moved here stays, unless --overwrite. MLflow itself is not changed. Exit
    code 1 says that something was left out or is in conflict.
    """
    names = {"rename": _pairs(rename, "--rename"), "rename_alias": _pairs(rename_alias, "--rename-alias")}
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    from podium.moving.mlflow import MlflowSource, Options, import_models

    options = Options(models, to, project, dry_run=dry_run, overwrite=overwrite, **names)
    with (
        state.registry() as registry,
        _quiet(),
        _watched(show=not state.json) as step,
        MlflowSource(tracking_uri, registry_uri) as source,
    ):
        report = import_models(registry, source, options, step)
    if state.json:
        state.print_json(report.to_json())
    else:
        _say_imported(report)
    return 0 if report.complete else _INCOMPLETE


def _pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """Read ``OLD=NEW``; MLflow's name may hold ``=``, the name here cannot."""
    pairs: dict[str, str] = {}
    for text in given:
        old, sign, new = text.rpartition("=")
        if not sign or not old or not new:
            raise click.BadParameter(f"{text!r} is not OLD=NEW.", param_hint=option)
        if old in pairs:
            raise click.BadParameter(f"{old!r} is given two names.", param_hint=option)
        pairs[old] = new
    return pairs


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what MLflow and the migrations of its database tell about themselves."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@contextmanager
def _watched(*, show: bool) -> Iterator[Callable[[str], None] | None]:
    """Show what is done at the moment, to somebody who watches."""
    if not show or not sys.stderr.isatty():
        yield None
        return
    with make_console(to_stderr=True).status(styled("Reading MLflow ...")) as status:
        yield lambda what: status.update(styled(f"Importing {what} ..."))


def _say_imported(report: ImportReport) -> None:
    rows = [_row(model, report) for model in report.models if model.changed or model.left_out]
    if rows:
        columns = [Column("MLflow model", fold=True), Column("Here", fold=True), Column("Versions", right=True)]
        columns += [
            Column("New", right=True),
            Column("Left out", right=True, spare=True),
            Column("Size", right=True, spare=True),
        ]
        print_table([*columns, Column("Moved", fold=True, spare=True)], rows)
    if report.problems:
        _print_problems(report.problems)
    say(_summary(report))


def _row(model: ModelReport, report: ImportReport) -> tuple[str, ...]:
    moved = [
        f"{name}=v{number}" if number is not None else f"{name} gone" for name, number in sorted(model.moved.items())
    ]
    size = "-" if report.dry_run or not model.created else size_text(model.size)
    new = str(len(model.created)) + (f", {len(model.updated)} changed" if model.updated else "")
    return (
        model.name,
        model.ref or "-",
        str(model.versions),
        new,
        str(model.left_out or "-"),
        size,
        ", ".join(moved) or "-",
    )


def _print_problems(problems: Sequence[Problem]) -> None:
    columns = [Column("What"), Column("MLflow model", fold=True), Column("Of it", fold=True), Column("Why", fold=True)]
    rows = [
        (styled(_WORDS[item.kind], _STYLES[item.kind]), item.model, item.what, f"{item.message} {item.hint}".strip())
        for item in problems
    ]
    print_table(columns, rows)


def _summary(report: ImportReport) -> str:
    conflicts = sum(item.kind == "conflict" for item in report.problems)
    would = "would come" if report.dry_run else "came"
    came = _versions({model.name: len(model.created) for model in report.models})
    here = _versions({model.name: model.present for model in report.models})
    gone = _versions({model.name: model.left_out for model in report.models})
    # Aliases and stages that stayed behind; a name or a version that did stands in the numbers of its model.
    names = sum(item.kind == "left_out" and item.what.startswith(("alias ", "stage ")) for item in report.problems)
    parts = [f"{came} {would} over"] if report.changed else ["Nothing new"]
    parts += [f"{here} here already"] if here[0] != "0" or not report.changed else []
    parts += [f"{gone} left out"] if gone[0] != "0" else []
    parts += ["1 alias or stage left out" if names == 1 else f"{names} aliases and stages left out"] if names else []
    return "; ".join([*parts, *([count(conflicts, "conflict")] if conflicts else [])])


def _versions(numbers: Mapping[str, int]) -> str:
    """Return how many versions of how many models it is, of those that have any: ``8 versions of 4 models``."""
    models = sum(number > 0 for number in numbers.values())
    return f"{count(sum(numbers.values()), 'version')} of {count(models, 'model')}"
