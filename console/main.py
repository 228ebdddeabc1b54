"""The entry point of `issuance`: where each command is, and how the command line is put together."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Final

if TYPE_CHECKING:
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

_HELP = "Issue loyalty rewards in the background: nothing twice, nothing lost."


def main() -> None:
    """Run the command line. Ctrl-C ends it quietly with status 130, a reader that went away (`… | head`) with 1."""
    try:
        command_line(sys.argv[1:])()
    except KeyboardInterrupt:
        sys.exit(130)


def command_line(arguments: Sequence[str]) -> "typer.Typer":
    """Put the command line together.

    If the arguments begin with a command, only that one is loaded: all of them together take half a
        second.
    """
    # Typer loads slowly. Imported here, inside the `try` of `main`, Ctrl-C meanwhile ends quietly.
    import typer  # noqa: PLC0415

    app = typer.Typer(
        help=_HELP,
        no_args_is_help=True,
        add_completion=False,
        # A traceback with the values of variables would show customers' identifiers.
        pretty_exceptions_enable=False,
    )
    _add_options(app)
    begins_with = arguments[0] if arguments else ""
    if begins_with != "--version":
        for name in [begins_with] if begins_with in COMMANDS else COMMANDS:
            _add(app, name)
    return app


def _add(app: "typer.Typer", name: str) -> None:
    import typer  # noqa: PLC0415

    module, _, attribute = COMMANDS[name].partition(":")
    command = getattr(import_module(module), attribute)
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name)
    else:
        app.command(name)(command)


def _add_options(app: "typer.Typer") -> None:
    import typer  # noqa: PLC0415

    show_version = typer.Option("--version", callback=_print_version, help="Print the version.")

    @app.callback(help=_HELP)
    def options(*, version: Annotated[bool, show_version] = False) -> None:
        pass


def _print_version(wanted: bool) -> None:  # noqa: FBT001  # the signature that typer calls
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415

        import typer  # noqa: PLC0415

        typer.echo(f"issuance {version('reward-issuance')}")
        raise typer.Exit
