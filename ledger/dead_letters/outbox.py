"""The outbox: dead letters whose notices are not on the broker's queue yet.

A dead letter is unpublished from its opening until its notice is on the queue, and again when the
handler could not deliver the notice. The handler may be faster than the publisher's record, so each
unpublished state has a version, `(opening, opened_at)`: what returns a letter to the outbox makes
its `opened_at` one millisecond later, and a late record of the publishing finds nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, func, or_, select, update

from issuance.states import DeadLetterState
from ledger.store.clock import milliseconds, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import campaigns, dead_letters, jobs

GROUP_MOST = 10_000
"""Most letters of one round, and so of one summary."""
_WRITTEN_AT_ONCE = 1_000
"""Rows of one transaction: on SQLite it holds the write lock for about 10 ms."""
_SHOWN_CODES = 10


class Unpublished(NamedTuple):
    """A dead letter without a notice: numbers only, because a round may read many."""

    letter_id: int
    campaign_id: int
    reason: str
    opening: int
    opened_at: int
    read_at: int
    """When it was read, by the ledger's clock."""


class LetterRange(NamedTuple):
    """Names the dead letters of one summary; each field travels in the message."""

    campaign_id: int
    reason: str
    first_id: int
    last_id: int
    since: int
    """Letters that were published before this instant, in ms, have a notice of their own."""


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


@dataclass(frozen=True, slots=True)
class Summary:
    """Many dead letters of one campaign and reason, as the ledger counts them."""

    campaign: str
    reason: str
    count: int
    first_id: int
    last_id: int
    codes: tuple[tuple[int | None, int], ...]
    """The most frequent codes, at most 10, each with its count."""


def unpublished(
    ledger: Ledger,
    limit: int = GROUP_MOST,
    *,
    job_numbers: Sequence[int] | None = None,
    older_than_seconds: float = 0.0,
) -> list[Unpublished]:
    """Return dead letters without a notice, oldest first.

    Args:
        ledger: the record.
        limit: the largest number to return.
        job_numbers: only of these jobs; None: of all.
        older_than_seconds: only those that were opened at least this long ago: the worker that
            opened a younger one publishes it.
    """
    query = _UNPUBLISHED.where(
        dead_letters.c.published_at.is_(None),
        dead_letters.c.opened_at <= now_ms() - milliseconds(older_than_seconds),
    )
    if job_numbers is not None:
        query = query.where(dead_letters.c.job_number.in_(job_numbers))
    with ledger.read() as connection:
        rows = connection.execute(query.order_by(dead_letters.c.id).limit(limit))
        return [Unpublished(*row) for row in rows]


_UNPUBLISHED = select(
    dead_letters.c.id,
    dead_letters.c.campaign_id,
    dead_letters.c.reason,
    dead_letters.c.openings,
    dead_letters.c.opened_at,
    now_ms(),
)


def mark_published(ledger: Ledger, letters: Sequence[Unpublished]) -> None:
    """Record that the notices of these letters are on the queue.

    A letter that was opened again, or returned to the outbox, since it was read stays unpublished.
    """
    for start in range(0, len(letters), _WRITTEN_AT_ONCE):
        some = letters[start : start + _WRITTEN_AT_ONCE]
        with ledger.write() as connection:
            now = connection.scalar(select(now_ms()))
            rows = [(now, each.letter_id, each.opening, each.opened_at) for each in some]
            ledger.dialect.update_rows(
                connection, "dead_letters", {"published_at": "bigint"}, _VERSION, rows
            )


_VERSION = {"id": "bigint", "openings": "integer", "opened_at": "bigint"}


def find_events(ledger: Ledger, letter_ids: Sequence[int]) -> list[DeadLetterEvent]:
    """Return the events of the dead letters that exist, in order of id.

    Args:
        ledger: the record.
        letter_ids: as a message gives them; any integers, a bounded number of them.
    """
    ids = [letter_id for letter_id in letter_ids if 0 < letter_id < _INTEGERS_END]
    if not ids:
        return []
    query = _EVENTS.where(dead_letters.c.id.in_(ids)).order_by(dead_letters.c.id)
    with ledger.read() as connection:
        return [DeadLetterEvent(*row) for row in connection.execute(query)]


_INTEGERS_END = 2**63
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


def summarise(ledger: Ledger, named: LetterRange) -> Summary | None:
    """Count the dead letters of a summary; None if there are none.

    A letter in the range that got a notice of its own since the summary was made counts too.

    Args:
        ledger: the record.
        named: as a message gives it; any integers and any reason.
    """
    if not _is_readable(named):
        return None
    meant = (
        select(dead_letters.c.id, dead_letters.c.code)
        .where(*_within(named))
        .limit(_READ_MOST)
        .subquery()
    )
    query = select(
        meant.c.code, func.count().label("count"), func.min(meant.c.id), func.max(meant.c.id)
    ).group_by(meant.c.code)
    name = select(campaigns.c.name).where(campaigns.c.id == named.campaign_id)
    with ledger.read() as connection:
        rows = connection.execute(query).all()
        campaign = connection.scalar(name)
    if not rows or campaign is None:
        return None
    codes = sorted(((code, count) for code, count, _, _ in rows), key=lambda each: -each[1])
    return Summary(
        campaign,
        named.reason,
        count=sum(count for _, count in codes),
        first_id=min(first for _, _, first, _ in rows),
        last_id=max(last for _, _, _, last in rows),
        codes=tuple(codes[:_SHOWN_CODES]),
    )


def return_letters(ledger: Ledger, events: Sequence[DeadLetterEvent]) -> None:
    """Put dead letters back into the outbox, because their notice was not delivered.

    One that was opened again since then is there already.
    """
    _return(ledger, [(event.letter_id, event.opening) for event in events])


def return_ranges(ledger: Ledger, ranges: Iterable[LetterRange]) -> None:
    """Put the dead letters of summaries back into the outbox, as `return_letters` does."""
    for named in filter(_is_readable, ranges):
        query = (
            select(dead_letters.c.id, dead_letters.c.openings)
            .where(*_within(named))
            .limit(_READ_MOST)
        )
        with ledger.read() as connection:
            versions = [(letter_id, opening) for letter_id, opening in connection.execute(query)]
        _return(ledger, versions)


def _return(ledger: Ledger, versions: Sequence[tuple[int, int]]) -> None:
    for start in range(0, len(versions), _WRITTEN_AT_ONCE):
        rows = [
            {"letter_id": letter_id, "opening": opening}
            for letter_id, opening in versions[start : start + _WRITTEN_AT_ONCE]
        ]
        with ledger.write() as connection:
            connection.execute(_RETURNED, rows)


_RETURNED = (
    update(dead_letters)
    .where(
        dead_letters.c.id == bindparam("letter_id"), dead_letters.c.openings == bindparam("opening")
    )
    .values(published_at=None, opened_at=dead_letters.c.opened_at + 1)
)
_READ_MOST = 2 * GROUP_MOST
"""A message that a client of the broker wrote may name any range."""


def _is_readable(named: LetterRange) -> bool:
    numbers = (named.campaign_id, named.first_id, named.last_id, named.since)
    return all(0 <= number < _INTEGERS_END for number in numbers)


def _within(named: LetterRange) -> tuple[ColumnElement[bool], ...]:
    return (
        # all states, so that `ix_dead_letters_list` is searched
        dead_letters.c.state.in_(list(DeadLetterState)),
        dead_letters.c.campaign_id == named.campaign_id,
        dead_letters.c.reason == named.reason,
        dead_letters.c.id.between(named.first_id, named.last_id),
        or_(dead_letters.c.published_at.is_(None), dead_letters.c.published_at >= named.since),
    )
