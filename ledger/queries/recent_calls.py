"""The calls of the last minutes, for forecasts: counted by time, and some of them in detail."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, func, literal, select
from sqlalchemy.sql.elements import ColumnElement

from issuance.job import Lane
from ledger.store.clock import milliseconds, now_ms
from ledger.store.schema import attempts, campaigns, jobs

_SPAN_MS = 300_000
_BUCKETS = 150
_LEAST_BUCKET_MS = 1_000
_SLICES, _CALLS_OF_SLICE = 20, 150
_NEWEST_MS = 2_000
"""Calls are recorded a moment after they were made: the newest seconds are incomplete."""
_OLD_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class SampledCall:
    """One call of the sample."""

    campaign_id: int
    lane: Lane
    number: int
    """Within its job, from 1."""
    decision: str
    """As `ledger.results.recording` describes it."""


@dataclass(frozen=True, slots=True)
class RecentCalls:
    """The calls of some minutes."""

    bucket_seconds: float = 1.0
    counts: list[int] = field(default_factory=list)
    """By bucket, newest last."""
    sample: list[SampledCall] = field(default_factory=list)
    """Evenly spread over the time."""
    are_old: bool = False
    """The account has made no call for minutes: these are its last ones before."""


def recent_calls(
    connection: Connection,
    accounts: Collection[str] | None,
    *,
    slow_seconds: float = 0.0,
) -> RecentCalls:
    """Read the calls of the last five minutes, or of the five before the last call.

    Args:
        connection: the transaction.
        accounts: only calls of these API accounts; None: of all, which reads only an index.
        slow_seconds: how long calls take: a call is recorded when it ends.
    """
    now = connection.scalar(select(now_ms())) or 0
    end = now - max(_NEWEST_MS, int(slow_seconds * 2_000))
    start = now - _SPAN_MS
    found = _read(connection, accounts, start, end)
    if any(found.counts):
        return found
    last: int | None = connection.scalar(
        _of(select(func.max(attempts.c.started_at)), accounts).where(
            attempts.c.started_at >= now - _OLD_MS
        )
    )
    if last is None or last >= start:
        return found
    older = _read(connection, accounts, last - _SPAN_MS, last)
    return RecentCalls(older.bucket_seconds, older.counts, older.sample, are_old=True)


def campaign_calls(connection: Connection, campaign_id: int, seconds: float) -> int:
    """Count a campaign's calls of the last `seconds`."""
    since = attempts.c.started_at >= now_ms() - milliseconds(seconds)
    query = (
        select(func.count())
        .select_from(attempts)
        .join(jobs, jobs.c.number == attempts.c.job_number)
        .where(since, jobs.c.campaign_id == campaign_id)
    )
    return connection.scalar(query) or 0


def _read(
    connection: Connection, accounts: Collection[str] | None, start: int, end: int
) -> RecentCalls:
    size = max(_LEAST_BUCKET_MS, (end - start) // _BUCKETS)
    whole = max(0, end - start) // size
    if not whole:
        return RecentCalls()
    start = end - whole * size
    counts = _count(connection, accounts, range(start, end, size))
    return RecentCalls(size / 1000, counts, _sample(connection, accounts, start, end, sum(counts)))


def _count(connection: Connection, accounts: Collection[str] | None, begins: range) -> list[int]:
    """Count each bucket by a range of the index: grouping would sort all calls."""
    bucket = select(literal(begins.start, BigInteger).label("begin")).cte("bucket", recursive=True)
    following = bucket.c.begin + begins.step
    bucket = bucket.union_all(select(following).where(following < begins.stop))
    made = _of(select(func.count()).select_from(attempts), accounts).where(
        *_within(bucket.c.begin, bucket.c.begin + begins.step)
    )
    counted = made.correlate(bucket).scalar_subquery()
    query = select(counted).select_from(bucket).order_by(bucket.c.begin)
    return [int(count) for count in connection.scalars(query)]


def _sample(
    connection: Connection, accounts: Collection[str] | None, start: int, end: int, made: int
) -> list[SampledCall]:
    slices = 1 if made <= _SLICES * _CALLS_OF_SLICE else _SLICES
    found = []
    for place in range(slices):
        begin = start + (end - start) * place // slices
        until = start + (end - start) * (place + 1) // slices
        query = (
            select(jobs.c.campaign_id, jobs.c.lane, attempts.c.number, attempts.c.decision)
            .join(jobs, jobs.c.number == attempts.c.job_number)
            .where(*_within(begin, until))
            .order_by(attempts.c.started_at)
            .limit(_SLICES * _CALLS_OF_SLICE // slices)
        )
        if accounts is not None:
            query = query.join(campaigns, campaigns.c.id == jobs.c.campaign_id).where(
                campaigns.c.account.in_(sorted(accounts))
            )
        found += [
            SampledCall(campaign_id, Lane(lane), number, decision)
            for campaign_id, lane, number, decision in connection.execute(query)
        ]
    return found


_Time = int | ColumnElement[int]


def _within(start: _Time, end: _Time) -> tuple[ColumnElement[bool], ...]:
    return attempts.c.started_at >= start, attempts.c.started_at < end


def _of(query: Select[Any], accounts: Collection[str] | None) -> Select[Any]:
    if accounts is None:
        return query
    joined = query.join_from(attempts, jobs, jobs.c.number == attempts.c.job_number)
    return joined.join(campaigns, campaigns.c.id == jobs.c.campaign_id).where(
        campaigns.c.account.in_(sorted(accounts))
    )
