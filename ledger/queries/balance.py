"""Balances: how many lines are in each state, checked against how many were accepted."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select

from issuance.job import Lane
from issuance.states import NOT_STARTED, OPEN, CampaignState, DeadLetterState, State
from ledger.campaigns import Campaign, campaigns_in, find_in, list_campaigns
from ledger.queries.counters import (
    Tallies,
    Tally,
    counted_lines,
    pruned_counts,
    recounted_lines,
    spent,
)
from ledger.store.clock import instant, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import (
    IS_OPEN,
    IS_WAITING,
    attempts,
    campaigns,
    dead_letters,
    jobs,
)

_RATE_WINDOW_MS = 10_000
_ASSIGNED = (State.QUEUED, State.RUNNING)


_Read = Callable[[Connection, int], Tallies]


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
    units: int = 0
    """Issued units, those of pruned lines included, and not those that were revoked."""
    points: int = 0
    """Redeemed points in thousandths, counted as units are."""
    sums: dict[State, Tally] = field(default_factory=dict)
    """Units and points by the lines' own state, in which unsettled ones wait."""

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
        return _balance(connection, find_in(connection, name), counted_lines)


def recount(ledger: Ledger, name: str) -> Balance:
    """Balance one campaign by counting each of its lines, instead of trusting the counters.

    Raises:
        CampaignError: there is no such campaign.
    """
    with ledger.read() as connection:
        return _balance(connection, find_in(connection, name), recounted_lines)


def balances(ledger: Ledger) -> list[Balance]:
    """Balance every campaign by the counters, oldest first, all at one moment."""
    with ledger.read() as connection:
        return [
            _balance(connection, campaign, counted_lines) for campaign in campaigns_in(connection)
        ]


def recounts(ledger: Ledger) -> list[Balance]:
    """Balance every campaign by counting its lines, oldest first, each at its own moment."""
    return [recount(ledger, campaign.name) for campaign in list_campaigns(ledger)]


def _balance(connection: Connection, campaign: Campaign, read: _Read) -> Balance:
    present, pruned = read(connection, campaign.id), pruned_counts(connection, campaign.id)
    sums: dict[State, Tally] = dict.fromkeys(State, Tally())
    for (_, state), tally in (*present.items(), *pruned.items()):
        sums[state] += tally
    counts = Counter({state: tally.lines for state, tally in sums.items()})
    has_open = counts[State.WAITING] > 0
    for state in _ASSIGNED if has_open else ():
        # Until they are settled, these lines count as waiting.
        assigned = _assigned(connection, campaign.id, state)
        counts[state] += assigned
        counts[State.WAITING] -= assigned
    letters = select(func.count()).where(
        dead_letters.c.campaign_id == campaign.id, dead_letters.c.state == DeadLetterState.OPEN
    )
    both = spent(present, pruned)
    return Balance(
        campaign=campaign,
        counts=dict(counts),
        open_dead_letters=connection.scalar(letters) or 0,
        oldest_due=_oldest_due(connection, campaign) if has_open else None,
        pruned=sum(tally.lines for tally in pruned.values()),
        units=both.units,
        points=both.points,
        sums=sums,
    )


def _assigned(connection: Connection, campaign_id: int, state: State) -> int:
    # One query per state: given two lists of states, SQLite may search the index by the longer one
    # and read all of it.
    of_state = (jobs.c.campaign_id == campaign_id, jobs.c.state == state, IS_OPEN)
    return int(connection.scalar(select(func.sum(jobs.c.open_lines)).where(*of_state)) or 0)


def _oldest_due(connection: Connection, campaign: Campaign) -> datetime | None:
    if campaign.state in NOT_STARTED:
        return None  # nothing of it is late
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
