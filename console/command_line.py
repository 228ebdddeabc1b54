"""The commands of `issuance`: where each is, and how they are put together."""

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Final

import typer

COMMANDS: Final = {
    "up": "console.local.up:up",
    "run": "console.local.run:run",
    "demo": "console.commands.demo:demo",
    "blast": "console.commands.blast:blast",
    "issue": "console.commands.issue:issue",
    "status": "console.commands.status:status",
    "outcomes": "console.commands.outcomes:outcomes",
    "revoke": "console.commands.revoke:revoke",
    "health": "console.commands.health:health",
    "migrate": "console.commands.migrate:migrate",
    "prune": "console.commands.prune:prune_command",
    "backup": "console.commands.backup:backup_command",
    "restore": "console.commands.backup:restore_command",
    "mark-restored": "console.commands.backup:mark_restored_command",
    "dead-letters": "console.commands.dead_letters:app",
    "campaign": "console.commands.campaign:app",
    "limits": "console.commands.limits:app",
}
"""Name → module and what it holds: a function, or a group of commands."""


def command_line(arguments: Sequence[str]) -> typer.Typer:
    """Put together what these arguments ask for.

    Where they begin with a command, only that one is loaded: all of them together take half a second.
    """
    app = typer.Typer(
        help="Issue loyalty rewards in the background: nothing twice, nothing lost.",
        no_args_is_help=True,
        add_completion=False,
        # A traceback with the values of variables would show customers' identifiers.
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    begins_with = arguments[0] if arguments else ""
    if begins_with != "--version":
        for name in [begins_with] if begins_with in COMMANDS else COMMANDS:
            _add(app, name)
    return app


def _add(app: typer.Typer, name: str) -> None:
    module, _, attribute = COMMANDS[name].partition(":")
    command = getattr(import_module(module), attribute)
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name)
    else:
        app.command(name)(command)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  # the signature that typer calls
    if wanted:
        typer.echo(f"issuance {version('reward-issuance')}")
        raise typer.Exit


def _options(
    *, version: Annotated[bool, typer.Option("--version", callback=_print_version, help="Print the version.")] = False
) -> None:
    """Issue loyalty rewards in the background: nothing twice, nothing lost."""
