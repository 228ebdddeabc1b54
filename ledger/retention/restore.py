"""After a restore: the ledger has forgotten what was sent since the backup, so any job may be."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, or_, select, update

from issuance.states import DeadLetterState
from ledger.audit_log import LEDGER, Operator, record_action
from ledger.queries.heartbeats import Heartbeat
from ledger.store.clock import instant, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import IS_OPEN, dead_letters, heartbeats, jobs, restores

_DOUBT_MS = 30 * 86_400_000
"""How long after a restore files and requests of the lost time may be repeated."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What may have been sent since the backup."""

    backup_at: datetime | None
    """When the backup was made, or a little earlier: what was forgotten was sent later."""
    jobs: int
    """How many jobs may have been sent since then."""


def mark_restored(ledger: Ledger, operator: Operator, source: str) -> Restored:
    """Record that the ledger was restored, before any process uses it.

    Open jobs and jobs that can be resent now count as possibly sent, and so does every job that is
    accepted in the next 30 days: a refusal settles none of them before it was reconciled with the
    API's transactions since the backup.

    Args:
        ledger: the record.
        operator: the operator and the reason.
        source: the file or means by which it was restored, for the audit log.
    """
    with ledger.write() as connection:
        since = backup_at(connection)
        connection.execute(insert(restores).values(at=now_ms(), backup_at=since))
        may_be_resent = select(dead_letters.c.job_number).where(
            dead_letters.c.state == DeadLetterState.OPEN
        )
        marked = connection.execute(
            update(jobs)
            .where(or_(IS_OPEN, jobs.c.number.in_(may_be_resent)))
            .values(
                may_have_reached=True,
                first_claimed_at=func.coalesce(jobs.c.first_claimed_at, since),
            )
        )
        record_action(connection, operator, verb="restore", target=LEDGER, after=source)
    return Restored(instant(since), marked.rowcount)


def backup_at(connection: Connection) -> int:
    """Return when the backup was made, or a little earlier, in ms; 0 if nothing shows it.

    The release leaves a heartbeat every second.
    """
    heartbeat = select(heartbeats.c.at).where(heartbeats.c.name == Heartbeat.RELEASE)
    return (
        connection.scalar(heartbeat) or connection.scalar(select(func.max(jobs.c.accepted_at))) or 0
    )


def forgotten_since(connection: Connection) -> int | None:
    """Return since when calls may be forgotten, in ms; None without a recent restore."""
    recent = select(func.min(restores.c.backup_at)).where(restores.c.at > now_ms() - _DOUBT_MS)
    found: int | None = connection.scalar(recent)
    return found
