"""`issuance backup`, `restore` and `mark-restored`: copies of the ledger."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from console.rendering.layout import say
from console.terminal import explained, opened, person, read_services
from operations import copies
from operations.errors import UsageError
from operations.formats import clock, counted

_REMEMBER = (
    "Before workers start: pause and cancel the campaigns again that were paused or cancelled "
    "after the backup, see the runbook."
)
_OtherSecret = Annotated[
    bool,
    typer.Option(
        "--other-secret",
        help="Accept another secret than the lost ledger's: never run a file again that was read "
        "into a new campaign after the backup.",
    ),
]


def backup_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.", show_default=False)],
) -> None:
    """Copy the SQLite ledger while everything runs; the copy holds customers and vouchers."""
    with explained():
        services = read_services()
        size = copies.back_up(person(services), services, file)
        say(f"backed up to {file}: {size / 1e6:,.1f} MB, checked")


def restore_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A copy made by `backup`.", show_default=False)
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    other_secret: _OtherSecret = False,
) -> None:
    """Replace the SQLite ledger with a backup; stop everything first. Keeps the old one aside."""
    with explained():
        services = read_services()
        subject = person(services)
        target = copies.require_stopped(subject, services)
        if not yes:
            _ask(target)
        aside = copies.restore(subject, services, file, other_secret=other_secret)
        say(f"restored from {file}" + (f"; the old ledger is in {aside}" if aside else ""))
        say(_REMEMBER)


def mark_restored_command(*, other_secret: _OtherSecret = False) -> None:
    """Record that pg_restore or a disk snapshot replaced the ledger, before anything runs."""
    with opened() as (subject, _, ledger):
        restored = copies.mark_restored(subject, ledger, other_secret=other_secret)
        say(
            f"marked as restored from a backup of {clock(restored.backup_at)}: "
            f"{counted(restored.jobs, 'job')} in doubt"
        )
        say(_REMEMBER)


def _ask(ledger: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("This replaces the ledger: give --yes when there is no terminal")
    typer.confirm(f"Replace {ledger}? Every process must be stopped.", abort=True)
