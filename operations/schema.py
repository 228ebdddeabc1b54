"""Brings the ledger's schema to this program's version."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from ledger.audit_log import LEDGER, migration_record, record_action
from ledger.store.database import ledger_url
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.home import move_old_home
from operations.services import Services


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration has done."""

    moved: Path | None
    """Where the state of an earlier version was, if it was moved to HOME."""
    ledger: str
    """The ledger's URL, without its password."""


@needs(Right.MIGRATE)
def migrate(subject: Subject, services: Services, *, grant_to: str | None) -> Migration:
    """Migrate the ledger; safe to run again. Each change is recorded in its own transaction.

    Args:
        subject: asks for it.
        services: name the ledger.
        grant_to: PostgreSQL's role that may use its tables afterwards; None: none is changed.

    Raises:
        UsageError: the state of an earlier version cannot be moved; nothing was changed.
        LedgerError: the ledger cannot be migrated, or there is no such role.
    """

    def record_grant(connection: Connection) -> None:
        what = f"rights to {grant_to}"
        record_action(connection, subject.acting(), verb="grant", target=LEDGER, after=what)

    moved = move_old_home(services.settings)
    url = services.servers.ledger_url
    with services.connect_ledger() as ledger:
        ledger.migrate(migration_record(subject.acting()))
        ledger.check_schema()
        if grant_to is not None:
            ledger.grant_rights(grant_to, record_grant)
    return Migration(moved, ledger_url(url).render_as_string())
