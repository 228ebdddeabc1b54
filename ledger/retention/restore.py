"""After a restore: what was sent since the backup is forgotten here and known to the API, so anything may have been."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, or_, select, update

from issuance.states import DeadLetterState
from ledger.audit_log import Operator, note_action
from ledger.queries.heartbeats import Heartbeat
from ledger.store.clock import instant, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import IS_OPEN, dead_letters, heartbeats, jobs, restores

_DOUBT_MS = 30 * 86_400_000
"""For so long after a restore, files and requests of the lost time may be run again."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore has put in doubt."""

    backup_at: datetime | None
    """When the backup was made, or a little earlier; nothing that is forgotten was sent before this."""
    jobs: int
    """Jobs that may have been sent since then."""


def mark_restored(ledger: Ledger, operator: Operator) -> Restored:
    """Write down that the ledger was restored, before anything runs on it.

    Jobs that are open or may be resent count as possibly sent from now on, and so does every job
    that is accepted in the next 30 days: a refusal then does not settle one before it was looked up
    in the API's transactions, from the time of the backup on.
    """
    with ledger.write() as connection:
        backup_at = _backup_at(connection)
        connection.execute(insert(restores).values(at=now_ms(), backup_at=backup_at))
        may_be_resent = select(dead_letters.c.job_number).where(
            dead_letters.c.state == DeadLetterState.OPEN
        )
        marked = connection.execute(
            update(jobs)
            .where(or_(IS_OPEN, jobs.c.number.in_(may_be_resent)))
            .values(
                may_have_reached=True,
                first_claimed_at=func.coalesce(jobs.c.first_claimed_at, backup_at),
            )
        )
        note_action(connection, operator, verb="restore", target="ledger")
    return Restored(instant(backup_at), marked.rowcount)


def _backup_at(connection: Connection) -> int:
    """The last sign of life in the ledger: the release has left one each second."""
    beaten = select(heartbeats.c.at).where(heartbeats.c.name == Heartbeat.RELEASE)
    return connection.scalar(beaten) or connection.scalar(select(func.max(jobs.c.accepted_at))) or 0


def forgotten_since(connection: Connection) -> int | None:
    """Since when calls may have been made that the ledger has forgotten, in ms; None when no restore says so."""
    recent = select(func.min(restores.c.backup_at)).where(restores.c.at > now_ms() - _DOUBT_MS)
    found: int | None = connection.scalar(recent)
    return found
