"""The entry point of `issuance`."""

import sys
from typing import TYPE_CHECKING, Annotated

from config.gc_tuning import collecting_rarely
from files.private import restrict_umask

if TYPE_CHECKING:
    import typer

_HELP = "Issue loyalty rewards in the background: nothing twice, nothing lost."


def main() -> None:
    """Run the command line; Ctrl-C ends it quietly with status 130."""
    restrict_umask()  # for every process of the system: each is a command, or started by one
    try:
        # Importing makes many objects and no garbage: an eighth of a short command's time.
        with collecting_rarely():
            command_line()()
    except KeyboardInterrupt:
        sys.exit(130)


def command_line() -> "typer.Typer":
    """Make the command line; it loads a command when that is called."""
    # Typer loads slowly. Imported here, inside the `try` of `main`, Ctrl-C meanwhile ends quietly.
    import typer  # noqa: PLC0415

    from console.lazy_group import LazyGroup  # noqa: PLC0415

    app = typer.Typer(
        cls=LazyGroup,
        help=_HELP,
        no_args_is_help=True,
        add_completion=False,
        # A traceback with the values of variables would show customers' identifiers.
        pretty_exceptions_enable=False,
    )
    show_version = typer.Option("--version", callback=_print_version, help="Print the version.")

    @app.callback(help=_HELP)
    def options(*, version: Annotated[bool, show_version] = False) -> None:
        pass

    return app


def _print_version(wanted: bool) -> None:  # noqa: FBT001  # the signature that typer calls
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415

        import typer  # noqa: PLC0415

        typer.echo(f"issuance {version('reward-issuance')}")
        raise typer.Exit
