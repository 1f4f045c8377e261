"""The commands that move bytes: log, download, verify."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

import click

from podium.cli.completion import complete_ref
from podium.cli.given import description_options, lifetime, metadata_options, read_description, read_metadata
from podium.cli.options import State, Verb, metric, pass_state
from podium.cli.output import Column, count, digest_text, files_text, print_table, say, shell_word, size_text, styled
from podium.cli.streams import counted, measured

if TYPE_CHECKING:
    from podium.content.transfer import FileProblem, VerifyReport
    from podium.domain.versions import Version
    from podium.registry import Registry


@click.command(
    "log",
    cls=Verb,
    examples=[
        ("podium log digits/mlp model.joblib --metric accuracy=0.97 --alias candidate", ""),
        ("podium log digits/raw --type dataset --reference s3://bucket/digits/", "files that stay where they are"),
        ("podium log digits/trial model.joblib --ttl 30d --metadata 'layers:=[64, 10]'", "for a month"),
    ],
)
@click.argument("artifact", metavar="PROJECT/ARTIFACT", shell_complete=complete_ref)
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path())
@click.option("--type", "type_", default="model", show_default=True, help="model, dataset, or any word.")
@metadata_options
@click.option("--metric", "metrics", type=metric, multiple=True, metavar="NAME=NUMBER", help="A metric; repeatable.")
@click.option("--alias", "aliases", multiple=True, help="An alias that it shall hold; repeatable.")
@click.option("--tag", "tags", multiple=True, help="A tag; repeatable.")
@description_options
@click.option("--ttl", type=lifetime, metavar="TIME|never", help="How long it shall live: 12h, 30d, 8w.")
@click.option(
    "--reference",
    "references",
    multiple=True,
    metavar="[PATH=]URI",
    help="A file that stays where it is (file, http, https, s3, gs, az); with / at its end, all below; repeatable.",
)
@click.option(
    "--integrity",
    type=click.Choice(["sha256", "etag", "none"]),
    default="sha256",
    show_default=True,
    help="What is noted of references to find drift; sha256 reads them once.",
)
@click.option(
    "--on-duplicate",
    type=click.Choice(["reuse", "new", "error"]),
    default="reuse",
    show_default=True,
    help="What to do if a version has the same files.",
)
@pass_state
def log_command(state: State, /, artifact: str, paths: tuple[str, ...], **given: Any) -> None:
    """Log files as a version of an artifact.

    A file goes in under its own name, a folder's files under theirs. The same files again make no new version.
    """
    if not paths and not given["references"]:
        raise click.UsageError("Name a file, a folder, or a --reference.", click.get_current_context())
    wanted = _wanted(**given)
    with state.registry() as registry, measured("Storing files", _work(paths), show=not state.json) as progress:
        version = registry.log(artifact, list(paths), progress=progress, **wanted)
    if state.json:
        state.print_json(version)
    else:
        _say_logged(version)


def _wanted(
    type_: str,
    metadata: tuple[tuple[str, Any], ...],
    metadata_file: str | None,
    metrics: tuple[tuple[str, float], ...],
    description: str | None,
    description_file: str | None,
    references: tuple[str, ...],
    ttl: timedelta | Literal["never"] | None,
    **others: Any,
) -> dict[str, Any]:
    """Return the arguments of `Registry.log` for the options; those that bear its names pass through."""
    return {
        "type": type_,
        "metadata": read_metadata(metadata, metadata_file),
        "metrics": dict(metrics),
        "description": read_description(description, description_file),
        "references": _references(references),
        "ttl": None if ttl == "never" else ttl,
        **others,
    }


def _references(given: Sequence[str]) -> Sequence[str] | dict[str, str]:
    """Read URIs, some of them behind a path and ``=``; what stands before ``://`` is never a path."""
    named = {path: uri for text in given for path, sign, uri in [text.partition("=")] if sign and "://" not in path}
    if not named:
        return given
    if len(named) != len(given):
        raise click.BadParameter("Give each reference a path (PATH=URI), each a different one, or none.")
    return named


def _work(paths: Sequence[str]) -> int | None:
    """Return how many bytes are done: each file is hashed, then stored. What cannot be read is told later."""
    size = 0
    for path in paths:
        found = [path] if os.path.isfile(path) else [os.path.join(d, f) for d, _, fs in os.walk(path) for f in fs]
        size += sum(os.path.getsize(file) for file in found if os.path.isfile(file))
    return 2 * size or None


def _say_logged(version: Version) -> None:
    if not version.created:
        say(f"{version.ref} has the same files; nothing new was made")
        return
    say(f"{version.ref} created ({files_text(version.files, version.size)})")
    if version.type == "model":
        name = version.collection.partition("/")[2]
        say(f"Next: podium link {shell_word(version.ref)} {shell_word(f'model-registry/{name}')}")


@click.command("download", cls=Verb)
@click.argument("ref", shell_complete=complete_ref)
@click.option("--to", type=click.Path(), metavar="FOLDER", help="Where; artifacts/NAME-vN here if left out.")
@pass_state
def download_command(state: State, ref: str, to: str | None) -> None:
    """Write the files of a version into a folder.

    Each file is hashed on the way and appears only when it is right. Other files in the folder stay.
    """
    with state.registry() as registry:
        # Looked up once: an alias that moves meanwhile must not make the answer name other files than it wrote.
        version = registry.resolve(ref)
        with measured("Downloading", version.size, show=not state.json) as progress:
            folder = registry.download(version.ref, to, progress)
    if state.json:
        state.print_json({"version": version, "path": folder})
    else:
        say(f"{version.ref} is in {folder} ({files_text(version.files, version.size)})")


@click.command(
    "verify",
    cls=Verb,
    examples=[
        ("podium verify", "everything that the registry refers to"),
        ("podium verify digits/mlp:v3 --folder artifacts/mlp-v3", "a folder that was downloaded"),
    ],
)
@click.argument("ref", required=False, shell_complete=complete_ref)
@click.option("--folder", type=click.Path(), metavar="FOLDER", help="Compare this folder with the version instead.")
@click.option("--set-aside", is_flag=True, help="Move damaged content away, so that logging the files again mends it.")
@pass_state
def verify_command(state: State, ref: str | None, folder: str | None, set_aside: bool) -> int:
    """Check stored content against what was logged.

    Every file of the version is hashed and references are looked at; without REF, everything that the registry refers
    to. Exit code 1 says that something is missing, damaged or drifted.
    """
    with state.registry() as registry:
        total = _stored(registry, ref) if folder is None else None
        with counted("Verifying", total, show=not state.json) as step:
            report = registry.verify(ref, step, folder=folder, set_aside=set_aside)
    if state.json:
        state.print_json({**report.to_json(), "ok": report.ok})
    else:
        _say_verified(report, folder)
    return 0 if report.ok else 1


def _stored(registry: Registry, ref: str | None) -> int:
    return registry.resolve(ref).size if ref is not None else registry.stored_size()


def _say_verified(report: VerifyReport, folder: str | None) -> None:
    looked = f"{count(report.versions, 'version')}, {count(report.files, 'file')}, {size_text(report.size)}"
    if report.problems:
        _print_problems(report.problems)
    if report.unchecked:
        number = count(len(report.unchecked), "reference")
        say(f"{number} declared no integrity: nobody can say whether they are as they were logged")
    if report.ok:
        say(f"{looked}: all as it was logged")
        return
    drifted = sum(problem.uri is not None for problem in report.problems)
    wrong = count(len(report.problems) - drifted, "file")
    if folder is not None:
        say(f"{looked}: {wrong} of the folder differ; podium download writes them again")
        return
    if drifted:
        say(f"{looked}: {count(drifted, 'reference')} no longer what was logged; log a new version, or put it back")
    if drifted < len(report.problems):
        say(f"{looked}: {wrong} missing or damaged; restore from a backup")


def _print_problems(problems: Sequence[FileProblem]) -> None:
    columns = [Column("Version", fold=True), Column("File", fold=True), Column("State"), Column("SHA-256")]
    rows = [
        (problem.ref, problem.path, styled(problem.state, "bold red"), digest_text(problem.sha256) or "-")
        for problem in problems
    ]
    print_table(columns, rows)
    for error in dict.fromkeys(problem.error for problem in problems if problem.error):
        say(error)
