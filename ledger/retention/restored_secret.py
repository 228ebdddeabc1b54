"""Whether a restored ledger has the secret with which the lost one worked.

With another secret, a file that was read after the backup would be issued again, under other
requestIds, and nothing would show that it was issued before.
"""

import sqlite3
from typing import NamedTuple

from sqlalchemy import select

from ledger.retention.restore import backup_at
from ledger.store.database import Ledger
from ledger.store.errors import LedgerError
from ledger.store.schema import secrets

_REMEDY = (
    "give --other-secret if no file was read into a new campaign since the backup, or if none of "
    "them will be run again"
)


class FormerSecret(NamedTuple):
    """The secret of the ledger that a backup replaces."""

    is_known: bool
    """False: that ledger is missing or damaged."""
    value: bytes | None = None
    fingerprint: str | None = None
    has_made_ids: bool = False
    """Whether a campaign's requestIds were derived with it."""

    @property
    def has_row(self) -> bool:
        """Whether that ledger has a secret, in itself or in a file."""
        return not (self.value is None and self.fingerprint is None)


UNKNOWN = FormerSecret(is_known=False)


def read_former(connection: sqlite3.Connection) -> FormerSecret:
    """Read the secret of a SQLite ledger of any version, even a damaged one."""
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'secrets'").fetchone():
            ledger = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'lines'")
            return FormerSecret(is_known=ledger.fetchone() is not None)
        row = connection.execute(
            "SELECT value, fingerprint, EXISTS (SELECT 1 FROM campaigns WHERE id_scheme <> 1) "
            "FROM secrets WHERE name = 'deployment'"
        ).fetchone()
    except sqlite3.DatabaseError:
        return UNKNOWN
    if row is None:
        return UNKNOWN
    value, fingerprint, has_made_ids = row
    return FormerSecret(True, value, fingerprint, bool(has_made_ids))


def check_secret(ledger: Ledger, former: FormerSecret, *, is_new: bool) -> None:
    """Make sure that a restored ledger derives the requestIds that the former one derived.

    Args:
        ledger: the restored ledger.
        former: the secret of the ledger that it replaces.
        is_new: whether the restored ledger's secret was made just now, because the backup had none.

    Raises:
        LedgerError: it does not, or nothing shows whether it does.
    """
    if former.has_made_ids and former.fingerprint != ledger.keys.fingerprint:
        how = (
            "set ISSUANCE_SECRET_FILE to the file with the former ledger's secret, or "
            if former.value is None
            else ""
        )
        raise LedgerError(
            "The backup has another secret than the present ledger: files of campaigns that were "
            f"created since would be issued again when they are run again. Nothing has changed: "
            f"{how}{_REMEDY}"
        )
    if is_new and not former.is_known:
        raise LedgerError(
            "The backup is of a version without a secret, and the present ledger is missing or "
            "cannot be read: if that had one, files of campaigns that were created since then "
            f"would be issued again when they are run again. Nothing has changed: {_REMEDY}"
        )


def require_older_secret(ledger: Ledger) -> None:
    """Make sure that a ledger that other tools have restored did not get its secret afterwards.

    Raises:
        LedgerError: its secret is younger than the backup, so the lost ledger may have had another.
    """
    with ledger.read() as connection:
        made_at, value = connection.execute(select(secrets.c.created_at, secrets.c.value)).one()
        last = backup_at(connection)
    if value is not None and 0 < last < made_at:
        raise LedgerError(
            "The ledger's secret is younger than the backup's last entry: `issuance migrate` made "
            "it for a backup of a version without one. If the lost ledger had a secret, files of "
            "campaigns that were created since the backup would be issued again when they are run "
            "again. Restore the backup again with the lost secret (how-to/back-up-and-restore), or "
            f"{_REMEDY}"
        )
