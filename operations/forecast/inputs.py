"""Translates what ledger and limits say into what `issuance.forecast` computes with."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from issuance.forecast.history import repeats_of
from issuance.forecast.speed import Calls, Limits
from issuance.forecast.work import ALWAYS, Campaign, Later, Span
from issuance.job import Lane
from issuance.retry import RetryPolicy
from issuance.windows import Window, parse_window
from ledger.queries.open_work import OpenWork, WaitingJob
from ledger.queries.recent_calls import RecentCalls
from limiter.state import LimitState

_TRIES_AGAIN = re.compile(r"try again in ([\d.]+) s \((?!limit\))")
"""A job that waits for its customer's limit says nothing about the others."""
_LOOKS_UP = "look up in "
_MOST_SPANS = 120
_GROUPS = 60


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the forecasts of one account's campaigns are made from."""

    campaigns: dict[str, Campaign]
    """By name; those that run or are scheduled, and those that were asked for."""
    calls: Calls
    limits: Limits
    ahead_per_second: float
    """Calls of background requests, which go first."""


def make_inputs(
    works: Sequence[OpenWork],
    recent: RecentCalls,
    state: LimitState,
    policy: RetryPolicy,
    *,
    now: datetime,
) -> Inputs:
    """Make the inputs of one account."""
    return Inputs(
        {work.name: make_campaign(work, recent, policy, now=now) for work in works},
        Calls(recent.bucket_seconds, tuple(recent.counts)),
        make_limits(state),
        _background_per_second(recent),
    )


def make_limits(state: LimitState) -> Limits:
    """Read an account's limits."""
    return Limits(
        rate_per_minute=state.rate_per_minute,
        adaptive_per_minute=state.adaptive_limit_per_minute,
        adaptive_seconds=state.adaptive_limit_seconds,
        recovers=state.adaptive_limit_reason == "recovery",
        is_suspended=not state.account.is_available,
        until_seconds=state.account.until_seconds,
        suspended_seconds=state.account.for_seconds,
    )


def make_campaign(
    work: OpenWork, recent: RecentCalls, policy: RetryPolicy, *, now: datetime
) -> Campaign:
    """Read what a campaign has to do, and how its calls went."""
    own = [each for each in recent.sample if each.campaign_id == work.id]
    waits = [
        (each.number, float(found[1]))
        for each in own
        if (found := _TRIES_AGAIN.match(each.decision))
    ]
    waiting = len(work.later) + work.more_later + work.held
    return Campaign(
        id=work.id,
        jobs=max(0.0, round(work.open_lines / work.lines_per_job) - waiting),
        weight=work.weight,
        per_minute=work.per_minute,
        later=group_later(work.later, work.more_later),
        repeats=repeats_of(
            [each.number for each in own],
            waits,
            longest_seconds=policy.cap_seconds / 2,
            calls_most=policy.max_attempts,
            looked_up=sum(each.decision.startswith(_LOOKS_UP) for each in own),
            look_up_seconds=policy.reconcile_delays_seconds,
        ),
        spans=tuple(make_spans(work, now)),
    )


def group_later(waiting: Sequence[WaitingJob], more: int = 0) -> tuple[Later, ...]:
    """Group jobs that are due later, each group by its last one's time; the last ones are alone."""
    size = max(1, len(waiting) // _GROUPS)
    grouped = [
        Later(group[-1].seconds, len(group), looks_up)
        for looks_up in (False, True)
        for group in _groups([each for each in waiting if each.looks_up is looks_up], size)
    ]
    if more:
        grouped.append(Later(waiting[-1].seconds, more))
    return tuple(grouped)


def _groups(waiting: list[WaitingJob], size: int) -> Iterator[list[WaitingJob]]:
    rest = max(0, len(waiting) - size)
    for start in range(0, rest, size):
        yield waiting[start : min(start + size, rest)]
    for each in waiting[rest:]:
        yield [each]


def make_spans(work: OpenWork, now: datetime) -> Iterator[Span]:
    """Return when a campaign's calls may start: from its start on, within its window."""
    start = now
    if work.start_at is not None:
        start = max(now, datetime.fromtimestamp(work.start_at / 1000, tz=UTC))
    if work.window is None:
        yield from ALWAYS if start <= now else (Span((start - now).total_seconds()),)
        return
    window = parse_window(work.window, work.timezone or "UTC")
    for begin, end in islice(_openings(window, start), _MOST_SPANS):
        until = math.inf if end is None else (end - now).total_seconds()
        yield Span((begin - now).total_seconds(), until)


def _openings(window: Window, start: datetime) -> Iterator[tuple[datetime, datetime | None]]:
    while True:
        begin = window.opens_at(start)
        end = window.closes_at(begin)
        yield begin, end
        if end is None:
            return
        start = end


def _background_per_second(recent: RecentCalls) -> float:
    seconds = recent.bucket_seconds * len(recent.counts)
    if not recent.sample or recent.are_old or not seconds:
        return 0.0
    background = sum(each.lane is Lane.BACKGROUND for each in recent.sample)
    return background / len(recent.sample) * sum(recent.counts) / seconds
