"""Plans of bulk revocations: which of a campaign's lines can be revoked, and why others cannot."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from pydantic_core import from_json
from sqlalchemy import Connection, Select, select

from issuance.customer import ERASED
from issuance.states import OPEN, DeadLetterState, State
from ledger.campaigns import Campaign, find_in
from ledger.store.database import Ledger
from ledger.store.schema import IS_SETTLED_LINE, LINE_REWARD, dead_letters, jobs, lines

_LISTED_AT_ONCE = 500
_READ_AT_ONCE = 1_000


class Obstacle(StrEnum):
    """Why a line cannot be revoked."""

    UNSETTLED = "not settled yet"
    NOT_ISSUED = "nothing was issued"
    REVOKED = "revoked already"
    PARTIAL = "issued in part"
    IN_DOUBT = "in doubt"
    ERASED = "its customer was erased"
    NO_TRANSACTION = "no answer showed its transaction"
    SHARED = "its transaction is named for another line too"
    OPEN_LETTER = "its job has an open dead letter"
    OPEN_JOB = "other lines of its job are not settled yet"
    OTHER_REWARD = "of another reward"
    ELSEWHERE = "not a line of this campaign"


REMEDIES = {
    Obstacle.UNSETTLED: "wait until it is, or cancel the campaign",
    Obstacle.NOT_ISSUED: "there is nothing to revoke",
    Obstacle.REVOKED: "nothing is left to do",
    Obstacle.PARTIAL: "resend its dead letter until it is issued, or revoke its units at the API",
    Obstacle.IN_DOUBT: "resend its dead letter, which shows whether it was issued",
    Obstacle.ERASED: "revoke it at the API, by its transaction",
    Obstacle.NO_TRANSACTION: "find it at the API by its requestId, and revoke it there",
    Obstacle.SHARED: "find out at the API whose it is, and revoke it there",
    Obstacle.OPEN_LETTER: "redrive the dead letter until it is closed, or discard it",
    Obstacle.OPEN_JOB: "wait until they are",
    Obstacle.OTHER_REWARD: "leave out --reward, or the requestId",
    Obstacle.ELSEWHERE: "check the requestIds and the campaign's name",
}
_OF_STATES = {
    **dict.fromkeys(OPEN, Obstacle.UNSETTLED),
    **dict.fromkeys((State.FAILED, State.CANCELLED, State.REPLACED), Obstacle.NOT_ISSUED),
    State.PARTIAL: Obstacle.PARTIAL,
    State.IN_DOUBT: Obstacle.IN_DOUBT,
    State.REVOKED: Obstacle.REVOKED,
}
_WITH_UNITS = (State.ISSUED, State.PARTIAL, State.IN_DOUBT)
"""Of a whole campaign only these lines are part of the plan."""


@dataclass(slots=True)
class Sum:
    """Lines, with their units and points."""

    lines: int = 0
    units: int = 0
    points: int = 0
    """In thousandths."""

    def add(self, units: int, points: int) -> None:
        """Count a line."""
        self.lines += 1
        self.units += units
        self.points += points


@dataclass(slots=True)
class Blocked:
    """Lines that cannot be revoked for one reason."""

    lines: int = 0
    example: str = ""
    """The first one's requestId."""


@dataclass(slots=True)
class RevocationPlan:
    """What a bulk revocation would do."""

    campaign: Campaign
    request_ids: list[str] = field(default_factory=list)
    total: Sum = field(default_factory=Sum)
    transactions: int = 0
    customers: int = 0
    points_unknown: int = 0
    """Lines whose answers showed no points."""
    rewards: dict[str, Sum] = field(default_factory=dict)
    """By reward key."""
    blocked: dict[Obstacle, Blocked] = field(default_factory=dict)
    digest: str = ""
    """SHA-256 over the lines and their transactions, in the order of acceptance."""

    def block(self, obstacle: Obstacle, request_id: str) -> None:
        """Count a line that cannot be revoked."""
        blocked = self.blocked.setdefault(obstacle, Blocked(example=request_id))
        blocked.lines += 1


class _Line(NamedTuple):
    job_number: int
    position: int
    request_id: str
    state: str
    reward: str
    quantity: int | None
    points: int | None
    transaction_ids: str | None
    customer: str
    open_lines: int
    letter_id: int | None
    """Of the job's open dead letter."""

    @property
    def transactions(self) -> list[str]:
        """All that answers named."""
        return list(from_json(self.transaction_ids)) if self.transaction_ids else []


def plan_revocations(
    ledger: Ledger,
    name: str,
    *,
    rewards: Collection[str] = (),
    request_ids: Sequence[str] | None = None,
) -> RevocationPlan:
    """Find out what revoking a campaign's issued lines would do.

    Args:
        ledger: the record.
        name: the campaign.
        rewards: only lines of these rewards, by key; none: of all.
        request_ids: only these lines, each once; None: all that have units.

    Raises:
        CampaignError: there is no such campaign.
    """
    customers: set[str] = set()
    digest = hashlib.sha256()
    with ledger.read() as connection:
        plan = RevocationPlan(find_in(connection, name))
        wanted = None if request_ids is None else set(request_ids)
        for line, shared in _chosen(connection, plan.campaign.id, wanted):
            if wanted is not None:
                wanted.remove(line.request_id)
            if rewards and line.reward not in rewards:
                if wanted is not None:
                    plan.block(Obstacle.OTHER_REWARD, line.request_id)
            elif (obstacle := _obstacle(line, shared=shared)) is not None:
                plan.block(obstacle, line.request_id)
            else:
                _add(plan, line)
                customers.add(line.customer)
                digest.update(f"{line.request_id} {line.transaction_ids}\n".encode())
    for request_id in sorted(wanted or ()):
        plan.block(Obstacle.ELSEWHERE, request_id)
    plan.customers, plan.digest = len(customers), digest.hexdigest()
    return plan


def _obstacle(line: _Line, *, shared: bool) -> Obstacle | None:
    """Return why the line cannot be revoked; a revocation checks the same again when it begins."""
    if line.state != State.ISSUED:
        return _OF_STATES[State(line.state)]
    obstacles = {
        Obstacle.ERASED: line.customer == str(ERASED),
        Obstacle.OPEN_JOB: line.open_lines > 0,
        Obstacle.OPEN_LETTER: line.letter_id is not None,
        Obstacle.NO_TRANSACTION: not line.transaction_ids,
        Obstacle.SHARED: shared,
    }
    return next((obstacle for obstacle, holds in obstacles.items() if holds), None)


def _add(plan: RevocationPlan, line: _Line) -> None:
    plan.request_ids.append(line.request_id)
    plan.transactions += len(line.transactions)
    plan.points_unknown += line.points is None
    for total in (plan.total, plan.rewards.setdefault(line.reward, Sum())):
        total.add(line.quantity or 0, line.points or 0)


def _chosen(
    connection: Connection, campaign_id: int, wanted: set[str] | None
) -> Iterator[tuple[_Line, bool]]:
    """Yield the lines, and whether an answer named a transaction of theirs for another line."""
    of_campaign = _LINES.where(lines.c.campaign_id == campaign_id)
    if wanted is None:
        queries = [of_campaign.where(IS_SETTLED_LINE, lines.c.state.in_(_WITH_UNITS))]
    else:
        queries = [of_campaign.where(lines.c.job_number.in_(some)) for some in _of_jobs(wanted)]
    for query in queries:
        for of_job in _by_job(connection, query):
            times = Counter(name for line in of_job for name in set(line.transactions))
            for line in of_job:
                if wanted is None or line.request_id in wanted:
                    yield line, any(times[name] > 1 for name in line.transactions)


def _of_jobs(wanted: Iterable[str]) -> Iterator[Select[Any]]:
    """Yield queries for the numbers of the jobs that have these lines, some lines at a time."""
    ids = sorted(wanted)
    for start in range(0, len(ids), _LISTED_AT_ONCE):
        some = ids[start : start + _LISTED_AT_ONCE]
        yield select(lines.c.job_number).where(lines.c.request_id.in_(some))


def _by_job(connection: Connection, query: Select[Any]) -> Iterator[list[_Line]]:
    ordered = query.order_by(lines.c.job_number, lines.c.position)
    rows = connection.execute(ordered, execution_options={"yield_per": _READ_AT_ONCE})
    for _, group in groupby(map(_Line._make, rows), attrgetter("job_number")):
        yield list(group)


_OPEN_LETTER = (
    select(dead_letters.c.id)
    .where(
        dead_letters.c.job_number == lines.c.job_number,
        dead_letters.c.state == DeadLetterState.OPEN,
    )
    .correlate(lines)
    .scalar_subquery()
)
_LINES = select(
    lines.c.job_number,
    lines.c.position,
    lines.c.request_id,
    lines.c.state,
    LINE_REWARD,
    lines.c.quantity,
    lines.c.points,
    lines.c.transaction_ids,
    jobs.c.customer,
    jobs.c.open_lines,
    _OPEN_LETTER,
).join(jobs, jobs.c.number == lines.c.job_number)
