"""The outbox: dead letters whose event is not published yet, and writing down that it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select, update

from ledger.store.clock import milliseconds, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import campaigns, dead_letters, jobs


@dataclass(frozen=True, slots=True)
class Notice:
    """What the queue of dead letters carries: ids and the reason, no personal data."""

    letter_id: int
    job_id: str
    campaign: str
    reason: str
    code: int | None
    opening: int
    """Which opening of the letter it tells of: 1, or more after redrives that failed."""


def unpublished_notices(
    ledger: Ledger,
    limit: int = 500,
    *,
    job_numbers: Sequence[int] | None = None,
    older_than_seconds: float = 0.0,
) -> list[Notice]:
    """Letters whose notice was not published yet, oldest first.

    Args:
        ledger: the record.
        limit: most letters at once.
        job_numbers: only these jobs' letters; None: all.
        older_than_seconds: only letters opened so long ago: younger ones are being published by who
            opened them.
    """
    query = _UNPUBLISHED.where(
        dead_letters.c.opened_at <= now_ms() - milliseconds(older_than_seconds)
    )
    if job_numbers is not None:
        query = query.where(dead_letters.c.job_number.in_(job_numbers))
    with ledger.read() as connection:
        rows = connection.execute(query.order_by(dead_letters.c.id).limit(limit))
        return [
            Notice(row.id, row.job_id, row.name, row.reason, row.code, row.openings) for row in rows
        ]


_UNPUBLISHED = (
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
    .where(dead_letters.c.noticed_at.is_(None))
)


def mark_noticed(ledger: Ledger, notices: Sequence[Notice]) -> None:
    """Write down that these notices are on the queue.

    A letter that was opened again meanwhile keeps its new notice to be published.
    """
    if notices:
        published = [{"letter": notice.letter_id, "opening": notice.opening} for notice in notices]
        with ledger.write() as connection:
            connection.execute(_NOTICED, published)


_NOTICED = (
    update(dead_letters)
    .where(
        dead_letters.c.id == bindparam("letter"), dead_letters.c.openings == bindparam("opening")
    )
    .values(noticed_at=now_ms())
)
