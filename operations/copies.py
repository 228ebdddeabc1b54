"""Copies of the ledger: backs it up, restores it, and marks one that other means restored."""

import time
from datetime import UTC, datetime
from pathlib import Path

from config.endpoints import RunningSystem
from ledger.audit_log import LEDGER, record_action
from ledger.queries.heartbeats import Heartbeat, silent_seconds
from ledger.retention.backup import back_up as copy_ledger
from ledger.retention.backup import restore as replace_ledger
from ledger.retention.restore import Restored
from ledger.retention.restore import mark_restored as mark_ledger_restored
from ledger.retention.restored_secret import require_older_secret
from ledger.store.database import Ledger, ledger_url, require_ledger_file
from ledger.store.errors import LedgerError, SchemaMismatchError
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.errors import UsageError
from operations.services import Services

_WATCH_SECONDS = 2.0
"""A running release process writes a heartbeat each second."""


@needs(Right.BACK_UP)
def back_up(subject: Subject, services: Services, file: Path) -> int:
    """Copy the SQLite ledger while everything runs; returns the copy's size in bytes.

    It is recorded before the copy is made, so that the copy has the entry too; so is a failure
    after that. A ledger of an older schema is copied without an entry: it has no such log yet.

    Raises:
        LedgerError: the ledger is no file, the copy is damaged, or `file` exists.
    """
    url = services.servers.ledger_url
    require_ledger_file(url)
    with services.connect_ledger() as ledger:
        recorded = False

        def begin() -> None:
            nonlocal recorded
            recorded = _record(ledger, subject, "backup", file)

        try:
            return copy_ledger(url, file, begin)
        except (LedgerError, OSError):
            if recorded:
                _record(ledger, subject, "backup failed", file)
            raise


def _record(ledger: Ledger, subject: Subject, verb: str, file: Path) -> bool:
    """Record an act on the ledger if its schema has an audit log; returns whether it has."""
    try:
        ledger.check_schema()
    except SchemaMismatchError:
        return False
    with ledger.write() as connection:
        record_action(connection, subject.acting(), verb=verb, target=LEDGER, after=f"to {file}")
    return True


@needs(Right.RESTORE)
def require_stopped(subject: Subject, services: Services) -> str:
    """Make sure that no system runs on HOME; returns the ledger's URL without its password.

    Raises:
        UsageError: one does.
    """
    running = RunningSystem.find(services.settings.home)
    if running is not None:
        raise UsageError(
            f"The system runs on {services.settings.home} (process {running.pid}): stop it "
            "before its ledger is replaced"
        )
    return ledger_url(services.servers.ledger_url).render_as_string()


@needs(Right.RESTORE)
def restore(subject: Subject, services: Services, file: Path, *, other_secret: bool) -> Path | None:
    """Replace the SQLite ledger with a backup; every process must be stopped.

    Args:
        subject: asks for it.
        services: name the ledger.
        file: a copy made by `back_up`.
        other_secret: whether its secret may differ from the present ledger's.

    Returns:
        The new path of the former ledger; None when there was none.

    Raises:
        UsageError: a system runs on HOME.
        LedgerError: the ledger is no file, a process uses it, or `file` is missing, damaged
            or has another secret; nothing has changed.
    """
    require_stopped(subject, services)
    suffix = f".before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    return replace_ledger(
        services.servers.ledger_url,
        file,
        subject.acting(),
        aside_suffix=suffix,
        secret=services.secret,
        other_secret=other_secret,
    )


@needs(Right.RESTORE)
def mark_restored(subject: Subject, ledger: Ledger, *, other_secret: bool) -> Restored:
    """Record that the ledger was restored by other means, before any process uses it.

    Raises:
        UsageError: a release uses it.
        LedgerError: its secret may be another than the lost ledger's, and `other_secret` does not
            allow that.
    """
    if _release_runs(ledger):
        raise UsageError(
            "Processes run on this ledger: stop every process, restore it, then run this"
        )
    if not other_secret:
        require_older_secret(ledger)
    return mark_ledger_restored(ledger, subject.acting(), "by other means")


def _release_runs(ledger: Ledger) -> bool:
    """Whether the release writes heartbeats; a recent one alone may come from the backup."""
    before = silent_seconds(ledger).get(Heartbeat.RELEASE)
    time.sleep(_WATCH_SECONDS)
    after = silent_seconds(ledger).get(Heartbeat.RELEASE)
    return after is not None and (before is None or after < before + _WATCH_SECONDS / 2)
