"""`issuance backup`, `restore` and `mark-restored`: copies of the ledger."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from config.endpoints import RunningSystem
from console.rendering.layout import say
from console.terminal import explained, opened, operator, read_services
from ledger.queries.heartbeats import Heartbeat, silent_seconds
from ledger.retention.backup import back_up, restore
from ledger.retention.restore import mark_restored
from ledger.retention.restored_secret import require_older_secret
from ledger.store.database import Ledger, ledger_url, require_ledger_file
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
_WATCH_SECONDS = 2.0
"""A running release process writes a heartbeat each second."""


def backup_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.", show_default=False)],
) -> None:
    """Copy the SQLite ledger while everything runs; the copy holds customers and vouchers."""
    with explained():
        url = read_services().servers.ledger_url
        require_ledger_file(url)
        size = back_up(url, file)
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
        running = RunningSystem.find(services.settings.home)
        if running is not None:
            raise UsageError(
                f"The system runs on {services.settings.home} (process {running.pid}): stop it "
                "before its ledger is replaced"
            )
        if not yes:
            _ask(services.servers.ledger_url)
        suffix = f".before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        aside = restore(
            services.servers.ledger_url,
            file,
            operator(services, f"from {file}"),
            aside_suffix=suffix,
            secret=services.secret,
            other_secret=other_secret,
        )
        say(f"restored from {file}" + (f"; the old ledger is in {aside}" if aside else ""))
        say(_REMEMBER)


def mark_restored_command(*, other_secret: _OtherSecret = False) -> None:
    """Record that pg_restore or a disk snapshot replaced the ledger, before anything runs."""
    with opened() as (services, ledger):
        if _release_runs(ledger):
            raise UsageError(
                "Processes run on this ledger: stop every process, restore it, then run this"
            )
        if not other_secret:
            require_older_secret(ledger)
        restored = mark_restored(ledger, operator(services, "restored by other means"))
        say(
            f"marked as restored from a backup of {clock(restored.backup_at)}: "
            f"{counted(restored.jobs, 'job')} in doubt"
        )
        say(_REMEMBER)


def _release_runs(ledger: Ledger) -> bool:
    """Whether the release writes heartbeats; a recent one alone may come from the backup."""
    before = silent_seconds(ledger).get(Heartbeat.RELEASE)
    time.sleep(_WATCH_SECONDS)
    after = silent_seconds(ledger).get(Heartbeat.RELEASE)
    return after is not None and (before is None or after < before + _WATCH_SECONDS / 2)


def _ask(url: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("This replaces the ledger: give --yes when there is no terminal")
    typer.confirm(
        f"Replace {ledger_url(url).render_as_string()}? Every process must be stopped.", abort=True
    )
