"""What a campaign has used of its budget: the units that are issued, and those that are reserved.

A reservation lasts while its job may still issue: it is on the broker or at a worker, an attempt
got no answer, or one of its lines is in doubt. Everything else has either been counted as issued,
or can be issued only after another release, which reserves it again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, case, delete, func, or_, select

from issuance.budget import Amount, Budget, Prices, expected_cost, points_used, unpriced
from issuance.details.points import points_number
from issuance.states import OPEN, SETTLED, State
from ledger.queries.counters import reward_counts
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import (
    COUNTED_UNITS,
    LINE_REWARD,
    campaign_rewards,
    campaigns,
    jobs,
    lines,
    reservations,
)

_AT_ONCE = 500

Need = Mapping[str, int]
"""The units that a job may still issue, by reward."""


@dataclass(frozen=True, slots=True)
class Usage:
    """A budget, and what is used of it."""

    budget: Budget
    issued: Amount
    """Net of what was revoked."""
    reserved: Amount
    prices: Prices
    """Read only for a budget of points."""

    @property
    def total(self) -> Amount:
        """Issued and reserved together."""
        return self.issued.plus(self.reserved)

    @property
    def percent(self) -> int:
        """The share of the budget that is issued."""
        return self.budget.percent(self.issued)

    def fits(self, total: Amount, need: Need) -> bool:
        """Return whether a job's need can be reserved on top of a total."""
        return not self.unpriced(need) and self.budget.allows(
            total.plus(expected_cost(self.prices, need))
        )

    def unpriced(self, need: Iterable[str]) -> list[str]:
        """Return the rewards whose points are not known, though the budget has a bound on them."""
        return [] if self.budget.points is None else unpriced(self.prices, need)

    @property
    def left(self) -> Budget:
        """What neither is issued nor reserved; None: there is no bound."""
        left = {name: max(0, most - getattr(self.total, name)) for name, most in self.budget.bounds}
        return Budget(**left)


def read_usage(connection: Connection, campaign_id: int, budget: Budget) -> Usage:
    """Read what a campaign has used, rather too much than too little while jobs are recorded."""
    prices = {} if budget.points is None else read_prices(connection, campaign_id)
    # Reservations first: a job that is settled in between counts as reserved and as issued.
    reserved = _reserved(connection, campaign_id)
    issued = [
        (reward, Amount(tally.units, tally.points))
        for (reward, state), tally in reward_counts(connection, campaign_id).items()
        if state is not State.REVOKED
    ]
    units = sum(amount.units for _, amount in issued)
    return Usage(budget, Amount(units, points_used(prices, issued)), reserved, prices)


def read_usages(connection: Connection, names: Collection[str]) -> dict[str, Usage]:
    """Read what these campaigns have used of their budgets, by name."""
    query = select(
        campaigns.c.id, campaigns.c.name, campaigns.c.budget_units, campaigns.c.budget_points
    ).where(
        or_(campaigns.c.budget_units.is_not(None), campaigns.c.budget_points.is_not(None)),
    )
    return {
        name: read_usage(connection, campaign_id, Budget(units, points))
        for campaign_id, name, units, points in connection.execute(query).all()
        if name in names
    }


def read_prices(connection: Connection, campaign_id: int) -> Prices:
    """Read the expected points of a campaign's rewards."""
    query = select(campaign_rewards.c.reward, campaign_rewards.c.points)
    rows = connection.execute(query.where(campaign_rewards.c.campaign_id == campaign_id))
    return {row.reward: row.points for row in rows}


def _reserved(connection: Connection, campaign_id: int) -> Amount:
    query = select(
        func.coalesce(func.sum(reservations.c.units), 0),
        func.coalesce(func.sum(reservations.c.points), 0),
    ).where(reservations.c.campaign_id == campaign_id, ~_OF_JOB.where(_IS_DONE).exists())
    return Amount(*map(int, connection.execute(query).one()))


def return_unused(connection: Connection, campaign_id: int) -> None:
    """Remove the reservations of jobs that cannot issue until they are released again."""
    connection.execute(
        delete(reservations).where(
            reservations.c.campaign_id == campaign_id, _OF_JOB.where(_IS_DONE).exists()
        )
    )


_OF_JOB = select(jobs.c.number).where(jobs.c.number == reservations.c.job_number)
_IN_DOUBT = select(lines.c.position).where(
    lines.c.job_number == jobs.c.number, lines.c.state == State.IN_DOUBT
)
_IS_DONE = or_(
    and_(jobs.c.state.in_(SETTLED), ~_IN_DOUBT.exists()),
    and_(jobs.c.state == State.WAITING, ~jobs.c.may_have_reached),
)


def has_open(connection: Connection, campaign_id: int) -> bool:
    """Return whether a job that is not settled has a reservation, which may be returned."""
    query = select(reservations.c.job_number).where(
        reservations.c.campaign_id == campaign_id, _OF_JOB.where(jobs.c.state.in_(OPEN)).exists()
    )
    return connection.execute(query.limit(1)).first() is not None


def read_needs(connection: Connection, numbers: Sequence[int]) -> dict[int, dict[str, int]]:
    """Read the units that jobs may still issue, by job and reward; a settled line needs none."""
    found: dict[int, dict[str, int]] = {number: {} for number in numbers}
    for start in range(0, len(numbers), _AT_ONCE):
        query = (
            select(lines.c.job_number, LINE_REWARD, func.sum(_MISSING_UNITS))
            .where(
                lines.c.job_number.in_(numbers[start : start + _AT_ONCE]),
                lines.c.state.in_((State.WAITING, State.IN_DOUBT)),
            )
            .group_by(lines.c.job_number, LINE_REWARD)
        )
        for number, reward, units in connection.execute(query):
            found[number][reward] = int(units)
    return found


_MISSING_UNITS = case(
    (lines.c.requested_quantity > COUNTED_UNITS, lines.c.requested_quantity - COUNTED_UNITS),
    else_=0,
)


def reserved_among(
    connection: Connection, campaign_id: int, numbers: Sequence[int]
) -> frozenset[int]:
    """Return which of these jobs have a reservation."""
    found: set[int] = set()
    for start in range(0, len(numbers), _AT_ONCE):
        query = select(reservations.c.job_number).where(
            reservations.c.campaign_id == campaign_id,
            reservations.c.job_number.in_(numbers[start : start + _AT_ONCE]),
        )
        found.update(connection.scalars(query))
    return frozenset(found)


def reserve(
    connection: Connection,
    campaign_id: int,
    usage: Usage,
    needs: Mapping[int, Need],
    *,
    forced: bool = False,
) -> frozenset[int]:
    """Reserve the needs that fit, in order; returns the jobs that have a reservation now.

    Args:
        connection: the transaction, which no other may reserve next to.
        campaign_id: the campaign.
        usage: what it has used.
        needs: by job; none of them has a reservation.
        forced: whether needs are reserved that do not fit: these jobs may issue already.
    """
    total, rows = usage.total, []
    for number, need in needs.items():
        if forced or usage.fits(total, need):
            cost = expected_cost(usage.prices, need)
            total = total.plus(cost)
            rows.append((campaign_id, number, cost.units, cost.points))
    columns = ("campaign_id", "job_number", "units", "points")
    dialect_of(connection).insert_rows(connection, reservations.name, columns, rows)
    return frozenset(row[1] for row in rows)


def amount_json(amount: Amount) -> dict[str, int | float]:
    """Return an amount for programs."""
    return {"units": amount.units, "points": points_number(amount.points)}


def budget_json(budget: Budget) -> dict[str, int | float | None]:
    """Return a budget for programs."""
    points = None if budget.points is None else points_number(budget.points)
    return {"units": budget.units, "points": points}
