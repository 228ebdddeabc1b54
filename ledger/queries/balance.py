"""Balances: how many lines are in each state, checked against how many were accepted."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select

from issuance.job import Lane
from issuance.states import OPEN, CampaignState, DeadLetterState, State
from ledger.campaigns import Campaign, find_in, list_campaigns
from ledger.queries.counters import line_counts
from ledger.store.clock import instant, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import (
    IS_OPEN,
    IS_SETTLED_LINE,
    IS_WAITING,
    attempts,
    campaigns,
    dead_letters,
    jobs,
    lines,
    pruned_lines,
)

_RATE_WINDOW_MS = 10_000
_ASSIGNED = (State.QUEUED, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Balance:
    """One campaign's lines by state, read in one transaction."""

    campaign: Campaign
    counts: dict[State, int] = field(default_factory=dict)
    open_dead_letters: int = 0
    oldest_due: datetime | None = None
    """Since when the longest-waiting job is due; None when none is due."""
    pruned: int = 0
    """Pruned lines, which `counts` includes."""

    @property
    def balanced(self) -> bool:
        """Whether every accepted line is in exactly one state."""
        return self.campaign.accepted_lines == sum(self.counts.values())

    @property
    def unsettled(self) -> int:
        """How many lines are not settled."""
        return sum(self.counts[state] for state in OPEN)


def balance(ledger: Ledger, name: str) -> Balance:
    """Balance one campaign by the database's counters, at a cost that does not grow with its lines.

    Acceptance counts accepted lines on its own, so the check is independent of the counters.

    Raises:
        CampaignError: there is no such campaign.
    """
    with ledger.read() as connection:
        return _balance(connection, find_in(connection, name), _from_counters)


def recount(ledger: Ledger, name: str) -> Balance:
    """Balance one campaign by counting each of its lines, instead of trusting the counters.

    Raises:
        CampaignError: there is no such campaign.
    """
    with ledger.read() as connection:
        return _balance(connection, find_in(connection, name), _from_lines)


def balances(ledger: Ledger, read: Callable[[Ledger, str], Balance] = balance) -> list[Balance]:
    """Balance every campaign, oldest first; `read` is `balance` or `recount`."""
    return [read(ledger, campaign.name) for campaign in list_campaigns(ledger)]


def _balance(
    connection: Connection,
    campaign: Campaign,
    count: Callable[[Connection, int], Mapping[State, int]],
) -> Balance:
    counts: Counter[State] = Counter(dict.fromkeys(State, 0))
    counts.update(count(connection, campaign.id))
    pruned_query = select(pruned_lines.c.state, pruned_lines.c.line_count).where(
        pruned_lines.c.campaign_id == campaign.id
    )
    pruned = {State(state): count for state, count in connection.execute(pruned_query)}
    counts.update(pruned)
    letters = select(func.count()).where(
        dead_letters.c.campaign_id == campaign.id, dead_letters.c.state == DeadLetterState.OPEN
    )
    return Balance(
        campaign=campaign,
        counts=dict(counts),
        open_dead_letters=connection.scalar(letters) or 0,
        oldest_due=_oldest_due(connection, campaign),
        pruned=sum(pruned.values()),
    )


def _from_counters(connection: Connection, campaign_id: int) -> Mapping[State, int]:
    counts = line_counts(connection, campaign_id)
    for state in _ASSIGNED:
        # One query per state: given two lists of states, SQLite may search the index by the longer
        # one and read all of it.
        of_state = (jobs.c.campaign_id == campaign_id, jobs.c.state == state, IS_OPEN)
        assigned = connection.scalar(select(func.sum(jobs.c.open_lines)).where(*of_state)) or 0
        # Until they are settled, these lines count as waiting.
        counts[state] += int(assigned)
        counts[State.WAITING] -= int(assigned)
    return counts


def _from_lines(connection: Connection, campaign_id: int) -> Mapping[State, int]:
    counts: Counter[State] = Counter()
    open_query = (
        select(jobs.c.state, func.sum(jobs.c.open_lines))
        .where(jobs.c.campaign_id == campaign_id, IS_OPEN)
        .group_by(jobs.c.state)
    )
    for state, count in connection.execute(open_query):
        counts[State(state)] += int(count)
    settled_query = (
        select(lines.c.state, func.count())
        .where(lines.c.campaign_id == campaign_id, IS_SETTLED_LINE)
        .group_by(lines.c.state)
    )
    for state, count in connection.execute(settled_query):
        counts[State(state)] += count
    return counts


def _oldest_due(connection: Connection, campaign: Campaign) -> datetime | None:
    due = (IS_WAITING, jobs.c.campaign_id == campaign.id, jobs.c.due_at <= now_ms())
    # One query per lane, so that each reads one end of the index of waiting jobs.
    oldest = (
        connection.scalar(
            select(jobs.c.due_at).where(jobs.c.lane == lane, *due).order_by(jobs.c.due_at).limit(1)
        )
        for lane in Lane
    )
    return instant(min((at for at in oldest if at is not None), default=None))


def attempts_per_second(ledger: Ledger) -> float:
    """Return the mean rate of calls over the last ten seconds, by the database's clock."""
    since = now_ms() - _RATE_WINDOW_MS
    with ledger.read() as connection:
        made = connection.scalar(select(func.count()).where(attempts.c.started_at >= since)) or 0
    return made * 1000 / _RATE_WINDOW_MS


def open_lines(ledger: Ledger) -> int:
    """Count the unsettled lines of all campaigns that are not paused."""
    query = select(func.sum(jobs.c.open_lines)).where(
        IS_OPEN,
        jobs.c.campaign_id.in_(
            select(campaigns.c.id).where(campaigns.c.state != CampaignState.PAUSED)
        ),
    )
    with ledger.read() as connection:
        return int(connection.scalar(query) or 0)
