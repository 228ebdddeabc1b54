"""The group of all commands: it lists them from the table, and loads the one that is called."""

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from console.command_table import COMMANDS

if TYPE_CHECKING:
    from typer._click import Command, Context

_LEAST_LIKENESS = 0.7
"""A typing error is closer than this; `report` and `restore` are not."""


class LazyGroup(TyperGroup):
    """All commands of `issuance`."""

    def list_commands(self, ctx: "Context") -> list[str]:  # noqa: ARG002
        """The names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: "Context", cmd_name: str) -> "Command | None":  # noqa: ARG002
        """A command's name and help, which is all that a list of commands needs."""
        command = COMMANDS.get(cmd_name)
        return None if command is None else TyperCommand(cmd_name, help=command.help)

    def resolve_command(
        self, ctx: "Context", args: list[str]
    ) -> tuple[str | None, "Command | None", list[str]]:
        """The command itself, to be run with the rest of the arguments."""
        name, *rest = args
        if name not in COMMANDS:
            ctx.fail(f"No such command {name!r}.{_suggestion(name)}")
        return name, load(name), rest


def load(name: str) -> "Command":
    """Import a command's module, and make the command."""
    module, _, attribute = COMMANDS[name].target.partition(":")
    loaded = getattr(import_module(module), attribute)
    if isinstance(loaded, typer.Typer):
        group = get_command(loaded)
        group.name = name
        return group
    app = typer.Typer(add_completion=False)
    app.command(name)(loaded)
    return get_command(app)


def _suggestion(name: str) -> str:
    """The commands that a wrong name is closest to, if any is close."""
    close = get_close_matches(name, COMMANDS, cutoff=_LEAST_LIKENESS)
    return f" Did you mean {', '.join(map(repr, close))}?" if close else ""
