"""Writing dead letters: one a job, opened, redriven, closed or discarded, never deleted."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from issuance.outcome import Reason
from ledger.book import Ledger
from ledger.clock import milliseconds, now_ms
from ledger.schema import campaigns, dead_letters, jobs


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


def open_letter(
    connection: Connection,
    job_number: int,
    campaign_id: int,
    *,
    reason: Reason,
    code: int | None,
    message: str,
) -> None:
    """Open the job's dead letter, or open it again after a redrive that failed."""
    now = now_ms()
    fresh = {"state": "open", "reason": reason, "code": code, "message": message, "opened_at": now}
    fresh |= {"changed_at": now, "noticed_at": None}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(dead_letters).values(job_number=job_number, campaign_id=campaign_id, openings=1, **fresh)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[dead_letters.c.job_number], set_=fresh | {"openings": dead_letters.c.openings + 1}
        )
    )


def close_letter(connection: Connection, job_number: int) -> None:
    """Close the job's letter, if it has one: the job came out right after all."""
    connection.execute(
        update(dead_letters)
        .where(dead_letters.c.job_number == job_number, dead_letters.c.state.in_(("open", "redriven")))
        .values(state="closed", changed_at=now_ms())
    )


def unpublished_notices(
    ledger: Ledger, limit: int = 500, *, job_numbers: Sequence[int] | None = None, older_than_seconds: float = 0.0
) -> list[Notice]:
    """Letters whose notice was not published yet, oldest first.

    Args:
        ledger: the record.
        limit: most letters at once.
        job_numbers: only these jobs' letters; None: all.
        older_than_seconds: only letters opened so long ago: younger ones are being published by who opened them.
    """
    query = _UNPUBLISHED.where(dead_letters.c.opened_at <= now_ms() - milliseconds(older_than_seconds))
    if job_numbers is not None:
        query = query.where(dead_letters.c.job_number.in_(job_numbers))
    with ledger.read() as connection:
        rows = connection.execute(query.order_by(dead_letters.c.id).limit(limit))
        return [Notice(row.id, row.job_id, row.name, row.reason, row.code, row.openings) for row in rows]


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
    .where(dead_letters.c.id == bindparam("letter"), dead_letters.c.openings == bindparam("opening"))
    .values(noticed_at=now_ms())
)
