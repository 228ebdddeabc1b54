"""The outbox: events of dead letters, until they are on the broker's queue."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select, update

from ledger.store.clock import milliseconds, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import campaigns, dead_letters, jobs


@dataclass(frozen=True, slots=True)
class DeadLetterEvent:
    """The event that a dead letter was opened: ids and the reason, no personal data."""

    letter_id: int
    job_id: str
    campaign: str
    reason: str
    code: int | None
    opening: int
    """The dead letter's count of openings at this one."""


def unpublished_events(
    ledger: Ledger,
    limit: int = 500,
    *,
    job_numbers: Sequence[int] | None = None,
    older_than_seconds: float = 0.0,
) -> list[DeadLetterEvent]:
    """Return events that are not published yet, oldest first.

    Args:
        ledger: the record.
        limit: the largest number of events to return.
        job_numbers: only of these jobs; None: of all.
        older_than_seconds: only of dead letters that were opened at least this long ago: the worker
            that opened a younger one publishes it.
    """
    query = _EVENTS.where(
        dead_letters.c.published_at.is_(None),
        dead_letters.c.opened_at <= now_ms() - milliseconds(older_than_seconds),
    )
    if job_numbers is not None:
        query = query.where(dead_letters.c.job_number.in_(job_numbers))
    with ledger.read() as connection:
        rows = connection.execute(query.order_by(dead_letters.c.id).limit(limit))
        return [DeadLetterEvent(*row) for row in rows]


def find_event(ledger: Ledger, letter_id: int) -> DeadLetterEvent | None:
    """Return the event of a dead letter; None if there is none.

    Args:
        ledger: the record.
        letter_id: as a message gives it; any integer.
    """
    if not 0 < letter_id < _IDS_END:
        return None
    with ledger.read() as connection:
        row = connection.execute(_EVENTS.where(dead_letters.c.id == letter_id)).one_or_none()
    return None if row is None else DeadLetterEvent(*row)


_IDS_END = 2**63
_EVENTS = (
    select(
        dead_letters.c.id,
        jobs.c.id.label("job_id"),
        campaigns.c.name,
        dead_letters.c.reason,
        dead_letters.c.code,
        dead_letters.c.openings,
    )
    .join(jobs, jobs.c.number == dead_letters.c.job_number)
    .join(campaigns, campaigns.c.id == dead_letters.c.campaign_id)
)


def mark_published(ledger: Ledger, events: Sequence[DeadLetterEvent]) -> None:
    """Record that these events are on the queue.

    Of a dead letter that was opened again since then, the new event stays unpublished.
    """
    if events:
        published = [{"letter_id": event.letter_id, "opening": event.opening} for event in events]
        with ledger.write() as connection:
            connection.execute(_PUBLISHED, published)


_PUBLISHED = (
    update(dead_letters)
    .where(
        dead_letters.c.id == bindparam("letter_id"), dead_letters.c.openings == bindparam("opening")
    )
    .values(published_at=now_ms())
)
