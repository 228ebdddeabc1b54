"""`issuance backup` and `issuance restore`: a copy of a SQLite ledger, and back."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.engine import make_url

from config.site import RunningSystem
from console.context import Context, UsageError, explained
from console.layout import say
from ledger.copying import back_up, restore


def backup_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.", show_default=False)],
) -> None:
    """Copy the SQLite ledger, as it is at one moment, while everything runs; it holds customers and vouchers."""
    with explained():
        size = back_up(Context.read().site.ledger_url, file)
        say(f"backed up to {file}: {size / 1e6:,.1f} MB, checked")


def restore_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A copy made by `backup`.", show_default=False)],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Make the SQLite ledger what it was at a backup; everything must be stopped. What is there now is kept aside."""
    with explained():
        context = Context.read()
        running = RunningSystem.find(context.settings.home)
        if running is not None:
            raise UsageError(f"The system runs (process {running.pid}): stop it before its ledger is replaced")
        if not yes:
            _ask(context.site.ledger_url)
        suffix = f".before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        aside = restore(context.site.ledger_url, file, aside_suffix=suffix)
        say(f"restored from {file}" + (f"; what was there is in {aside}" if aside else ""))
        say("Before workers start: pause or cancel again what was paused or cancelled since, see the runbook.")


def _ask(url: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("This replaces the ledger: give --yes where nobody can be asked")
    typer.confirm(f"Replace {make_url(url).render_as_string()}? Every process must be stopped.", abort=True)
