"""The commands of `issuance`: each is registered here, and nothing else happens here."""

from importlib.metadata import version
from typing import Annotated

import typer

from console import campaign, dead_letters, limits
from console.backup import backup_command, mark_restored_command, restore_command
from console.blast import blast
from console.demo import demo
from console.health import health
from console.issue import issue
from console.migrate import migrate
from console.outcomes import outcomes
from console.prune import prune_command
from console.revoke import revoke
from console.run import run
from console.status import status
from console.up import up

app = typer.Typer(
    help="Issue loyalty rewards in the background: nothing twice, nothing lost.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with the values of variables would show customers' identifiers.
    pretty_exceptions_enable=False,
)
for command in (up, run, demo, blast, issue, status, outcomes, revoke, health, migrate):
    app.command()(command)
app.command("prune")(prune_command)
app.command("backup")(backup_command)
app.command("restore")(restore_command)
app.command("mark-restored")(mark_restored_command)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(campaign.app, name="campaign")
app.add_typer(limits.app, name="limits")


def _print_version(wanted: bool) -> None:  # noqa: FBT001  # the signature that typer calls
    if wanted:
        typer.echo(f"issuance {version('reward-issuance')}")
        raise typer.Exit


@app.callback()
def _options(
    *, version: Annotated[bool, typer.Option("--version", callback=_print_version, help="Print the version.")] = False
) -> None:
    """Issue loyalty rewards in the background: nothing twice, nothing lost."""
