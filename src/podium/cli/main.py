"""The command itself: what there is to say, loaded only when it is said, and how it ends."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from podium.cli import errors
from podium.cli.options import help_instead, shared_options, unknown_command, write_options
from podium.cli.streams import warnings_as_lines
from podium.errors import PodiumError

# Section to command to (module of podium.cli, short help): known without importing a single command.
COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Versions": {
        "log": ("artifacts", "Log files as a version of an artifact."),
        "ls": ("listing", "List artifacts and models, or the versions of one."),
        "search": ("search", "Find versions, models or runs by what is known of them."),
        "show": ("show", "Show everything about a version."),
        "compare": ("compare", "Put versions side by side."),
        "lineage": ("lineage", "Show what a version or run was made from, and what was made from it."),
        "impact": ("lineage", "Name the registered models and stages that depend on a version."),
        "download": ("artifacts", "Write the files of a version into a folder."),
        "verify": ("artifacts", "Check stored content against what was logged."),
        "runs": ("runs", "Look at runs: their metrics, tables, images, and where they ran."),
    },
    "Registered models": {
        "registry": ("registries", "Make and look at registries."),
        "link": ("links", "Link a version into a registered model."),
        "copy": ("links", "Copy a model version into another registered model."),
        "unlink": ("links", "Take a version out of a registered model."),
        "alias": ("aliases", "Set and remove aliases."),
    },
    "Stages": {
        "test": ("testing", "Run checks on a version and record the results."),
        "promote": ("promotion", "Give a stage to a version, if its gates allow."),
        "requests": ("approvals", "Look at promotions that wait for approvals, and at what became of others."),
        "approve": ("approvals", "Approve a promotion that waits."),
        "reject": ("approvals", "Reject a promotion that waits: it ends at once, whoever approved it."),
        "withdraw": ("approvals", "Take back a request that you made, or an approval that you gave."),
        "rollback": ("promotion", "Give a stage back to its previous holder."),
        "demote": ("promotion", "Take a stage away from its holder, so that nobody holds it."),
        "freeze": ("freezes", "Close a stage for promotions, and see what is closed."),
        "unfreeze": ("freezes", "End the freeze of exactly this target and stage."),
        "history": ("history", "Tell what happened to a model or artifact."),
        "audit": ("audit", "Prove the history, search it, and say who held a stage when."),
        "policy": ("policies", "Say which stages there are and what a version must show for each."),
        "role": ("roles", "Say who may do what in a registry."),
    },
    "Catalogue": {
        "edit": ("catalog", "Change what describes a version, or a model or artifact."),
        "tag": ("catalog", "Put tags on versions, models and artifacts."),
        "rename": ("catalog", "Give a model or artifact another name."),
        "delete": ("catalog", "Delete a version, or a model or artifact with all its versions."),
        "restore": ("catalog", "Bring back what was deleted or unlinked."),
        "expire": ("care", "Delete the versions whose time to live has ended."),
    },
    "Moving": {
        "export": ("moving", "Write models with all that belongs to them into one file."),
        "import": ("moving", "Bring in what a bundle holds, '-' for one on standard input."),
        "import-mlflow": ("import_mlflow", "Bring the registered models of an MLflow registry over."),
    },
    "Telling people": {
        "notify": ("notify", "Choose which events go to which channel."),
        "automation": ("automation", "Let a DAG, a flow or a promotion start by itself when something happened."),
        "deliver": ("deliveries", "Deliver what is due, once or as a service."),
        "deliveries": ("deliveries", "Look at deliveries and try them again."),
    },
    "Installation": {
        "init": ("doctor", "Set up a registry."),
        "doctor": ("doctor", "Look whether the installation is sound, and explain what is not."),
        "gc": ("care", "Remove stored content that nothing refers to."),
        "cache": ("care", "Look at the local cache of remote content and empty it."),
        "db": ("admin", "Look at the database schema and bring it forward or back."),
        "plugins": ("plugins", "List plugins and what went wrong in them."),
        "plugin": ("plugins", "Write a plugin of your own."),
    },
}


class _PipeClosedError(Exception):
    """The reader of the output went away; raised past click, which would call it exit code 1."""


class Podium(click.Group):
    """The root group: lazy, and the one place where errors become lines and exit codes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; without any, there is only help to give."""
        help_instead(ctx, args)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return [name for section in COMMANDS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        for section in COMMANDS.values():
            if cmd_name in section:
                module = importlib.import_module(f"podium.cli.{section[cmd_name][0]}")
                found: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
                return found
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name one that is spelled alike."""
        name = args[0]
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            ctx.fail(unknown_command(name, self.list_commands(ctx)))
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section, then the options."""
        for title, section in COMMANDS.items():
            write_options(ctx, formatter, title, [(name, text) for name, (_, text) in section.items()])
        records = [item.get_help_record(ctx) for item in self.get_params(ctx)]
        write_options(ctx, formatter, "Global options, after any command too", records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes."""
        rows = [(str(code), meaning) for code, (meaning, _) in errors.EXITS.items()]
        write_options(ctx, formatter, "Exit codes", rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete the names of commands without importing them."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=text)
            for section in COMMANDS.values()
            for name, (_, text) in section.items()
            if name.startswith(incomplete)
        ]
        return found + (click.Command.shell_complete(self, ctx, incomplete) if incomplete.startswith("-") else [])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _PipeClosedError from None
        except SystemExit as end:
            # A file of checks that exits must not look like a test that passed.
            raise RuntimeError(f"Code that the command loaded called sys.exit({end.code!r})") from end

    def main(  # type: ignore[override]  # click's overloads tell apart whether it returns; this one never does
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> None:
        """Run the command line and exit with its code."""
        given = list(sys.argv[1:] if args is None else args)
        extra.pop("standalone_mode", None)
        sys.exit(self._run(given, prog_name or "podium", extra))

    def _run(self, args: list[str], prog_name: str, extra: dict[str, Any]) -> int:
        as_json = "--json" in (args[: args.index("--")] if "--" in args else args)
        try:
            with warnings_as_lines(debug=errors.debugging()):
                code = super().main(args, prog_name, standalone_mode=False, **extra)
            sys.stdout.flush()
            return code if isinstance(code, int) else 0
        except PodiumError as error:
            errors.show_traceback()
            return errors.show_error(error, as_json=as_json)
        except click.Abort:
            return errors.STOPPED
        except click.ClickException as error:
            return errors.show_usage(error, as_json=as_json)
        except (_PipeClosedError, BrokenPipeError):
            _drop_output()
            return errors.CLOSED_PIPE
        except Exception as error:  # noqa: BLE001 - whatever it is, a person gets one line
            errors.show_traceback()
            return errors.show_bug(error, as_json=as_json)


def _drop_output() -> None:
    """Send what is left of the output nowhere, or Python would complain about the closed pipe when it exits."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return  # a stream in memory


@click.group("podium", cls=Podium, params=shared_options(), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="podium", message="podium %(version)s")
def cli() -> None:
    """Podium: log models, compare them, test them, and promote them through stages.

    A reference is PROJECT/ARTIFACT or REGISTRY/MODEL, then :vN or :ALIAS if you want; without it, the latest version
    is meant. For example: podium promote 'model-registry/Digits classifier:v3' --to production
    """


def main() -> None:
    """Run ``podium``; the console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a letter of a name gets its number, not a traceback.
            stream.reconfigure(errors="backslashreplace")
    if "_PODIUM_COMPLETE" in os.environ:
        from podium.cli.completion import use_own_bash

        use_own_bash()
    cli.main()


if __name__ == "__main__":
    main()
