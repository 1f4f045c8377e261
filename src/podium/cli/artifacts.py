"""The commands that move bytes: log, link, download, verify."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from podium.cli.completion import complete_model, complete_ref
from podium.cli.options import State, Verb, metric, pair, pass_state
from podium.cli.output import Column, count, digest_text, files_text, print_table, say, shell_word, size_text, styled
from podium.cli.streams import busy, counted
from podium.errors import InvalidValueError, NotFoundError

if TYPE_CHECKING:
    from podium.content.transfer import VerifyReport
    from podium.domain.versions import Version


@click.command(
    "log", cls=Verb, examples=[("podium log digits/mlp model.joblib --metric accuracy=0.97 --alias candidate", "")]
)
@click.argument("artifact", metavar="PROJECT/ARTIFACT", shell_complete=complete_ref)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path())
@click.option("--type", "type_", default="model", show_default=True, help="model, dataset, or any word.")
@click.option("--metadata", type=pair, multiple=True, metavar="KEY=VALUE", help="Text to keep with it; repeatable.")
@click.option("--metadata-file", type=click.Path(), metavar="F.json", help="A JSON object to keep with it.")
@click.option("--metric", "metrics", type=metric, multiple=True, metavar="NAME=NUMBER", help="A metric; repeatable.")
@click.option("--alias", "aliases", multiple=True, help="An alias that it shall hold; repeatable.")
@click.option("--description", help="Free text.")
@click.option(
    "--on-duplicate",
    type=click.Choice(["reuse", "new", "error"]),
    default="reuse",
    show_default=True,
    help="What to do if a version has the same files.",
)
@pass_state
def log_command(
    state: State,
    artifact: str,
    paths: tuple[str, ...],
    type_: str,
    metadata: tuple[tuple[str, str], ...],
    metadata_file: str | None,
    metrics: tuple[tuple[str, float], ...],
    aliases: tuple[str, ...],
    description: str | None,
    on_duplicate: Any,
) -> None:
    """Log files as a version of an artifact.

    A file goes in under its own name, a folder's files under theirs. The same files again make no new version.
    """
    kept = {**(_read_metadata(metadata_file) if metadata_file else {}), **dict(metadata)}
    with state.registry() as registry, busy("Storing files"):
        version = registry.log(
            artifact,
            list(paths),
            type=type_,
            metadata=kept,
            description=description,
            aliases=aliases,
            metrics=dict(metrics),
            on_duplicate=on_duplicate,
        )
    if state.json:
        state.print_json(version)
    else:
        _say_logged(version)


def _say_logged(version: Version) -> None:
    if not version.created:
        say(f"{version.ref} has the same files; nothing new was made")
        return
    say(f"{version.ref} created ({files_text(version.files, version.size)})")
    if version.type == "model":
        name = version.collection.partition("/")[2]
        say(f"Next: podium link {shell_word(version.ref)} {shell_word(f'model-registry/{name}')}")


def _read_metadata(path: str) -> dict[str, Any]:
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no file {path}.", hint="Check --metadata-file.", path=path) from error
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidValueError(f"{path} cannot be read as JSON: {error}.", hint="Check --metadata-file.") from error
    if not isinstance(found, dict):
        raise InvalidValueError(f"{path} holds no JSON object.", hint='Write {"key": value, ...} into it.')
    return found


@click.command("link", cls=Verb, examples=[("podium link digits/mlp:candidate 'model-registry/Digits classifier'", "")])
@click.argument("ref", shell_complete=complete_ref)
@click.argument("model", metavar="REGISTRY/MODEL", shell_complete=complete_model)
@click.option("--alias", "aliases", multiple=True, help="An alias that it shall hold there; repeatable.")
@pass_state
def link_command(state: State, ref: str, model: str, aliases: tuple[str, ...]) -> None:
    """Link a version into a registered model.

    The model is made by its first link. No byte is copied, and linking again changes nothing.
    """
    with state.registry() as registry:
        version = registry.link(ref, model, aliases)
        stage = registry.policy(version.collection).names[0]
    if state.json:
        state.print_json(version)
    elif version.created:
        say(f"{version.ref} linked from {version.source}")
        say(f"Next: podium promote {shell_word(version.ref)} --to {stage}")
    else:
        say(f"{version.source} is {version.ref} already; nothing new was made")


@click.command("download", cls=Verb)
@click.argument("ref", shell_complete=complete_ref)
@click.option("--to", type=click.Path(), metavar="FOLDER", help="Where; artifacts/NAME-vN here if left out.")
@pass_state
def download_command(state: State, ref: str, to: str | None) -> None:
    """Write the files of a version into a folder.

    Each file is hashed on the way and appears only when it is right. Other files in the folder stay.
    """
    with state.registry() as registry, busy("Downloading"):
        # Looked up once: an alias that moves meanwhile must not make the answer name other files than it wrote.
        version = registry.resolve(ref)
        folder = registry.download(version.ref, to)
    if state.json:
        state.print_json({"version": version, "path": folder})
    else:
        say(f"{version.ref} is in {folder} ({files_text(version.files, version.size)})")


@click.command("verify", cls=Verb)
@click.argument("ref", required=False, shell_complete=complete_ref)
@pass_state
def verify_command(state: State, ref: str | None) -> int:
    """Check stored content against what was logged.

    Every file of the version is hashed; without REF, everything that the registry refers to. Exit code 1 says that
    something is missing or damaged.
    """
    with state.registry() as registry, counted("Verifying") as step:
        report = registry.verify(ref, step)
    if state.json:
        state.print_json({**report.to_json(), "ok": report.ok})
    else:
        _say_verified(report)
    return 0 if report.ok else 1


def _say_verified(report: VerifyReport) -> None:
    looked = f"{count(report.versions, 'version')}, {count(report.files, 'file')}, {size_text(report.size)}"
    if report.ok:
        say(f"{looked}: all as it was logged")
        return
    columns = [Column("Version", fold=True), Column("File", fold=True), Column("State"), Column("SHA-256")]
    rows = [
        (problem.ref, problem.path, styled(problem.state, "bold red"), digest_text(problem.sha256))
        for problem in report.problems
    ]
    print_table(columns, rows)
    say(f"{looked}: {count(len(report.problems), 'file')} missing or damaged; restore from a backup")
