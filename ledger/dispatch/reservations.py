"""Reserves budgets for the jobs that a release queues, and finds budgets that are used up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, select

from issuance.budget import Budget
from issuance.job import Lane
from ledger.budgets.stops import UsedUp
from ledger.budgets.usage import (
    Usage,
    has_open,
    read_needs,
    read_usage,
    reserve,
    reserved_among,
    return_unused,
)
from ledger.dispatch.backlog import Waiting, due_jobs
from ledger.store.schema import jobs, reservations

_MOST_REPEATED = 1_000
"""Jobs with a reservation that a release looks for while nothing else fits into the budget."""


@dataclass(slots=True)
class Reservations:
    """The budgets of one release; a campaign without one costs nothing."""

    usages: dict[int, Usage] = field(default_factory=dict)
    used_up: list[UsedUp] = field(default_factory=list)
    """Campaigns whose next job does not fit, and that wait for no other job."""

    def admit(
        self, connection: Connection, lane: Lane, waiting: Iterable[Waiting]
    ) -> list[Waiting]:
        """Return the campaigns that may release jobs, each with no more jobs than can fit.

        Of a campaign whose next job does not fit, only jobs that have their reservation may go.
        """
        admitted = (
            each
            if each.budget is None or each.is_cancelled
            else self._admit(connection, lane, each, each.budget)
            for each in waiting
        )
        return [each for each in admitted if each is not None]

    def _admit(
        self, connection: Connection, lane: Lane, campaign: Waiting, budget: Budget
    ) -> Waiting | None:
        return_unused(connection, campaign.id)
        usage = read_usage(connection, campaign.id, budget)
        self.usages[campaign.id] = usage
        due = due_jobs(lane, campaign)
        first = connection.scalar(
            select(jobs.c.number).where(due).order_by(jobs.c.due_at, jobs.c.number).limit(1)
        )
        if first is None or reserved_among(connection, campaign.id, [first]):
            return campaign
        need = read_needs(connection, [first])[first]
        if usage.fits(usage.total, need):
            left = usage.left.units
            return (
                campaign
                if left is None
                else replace(campaign, count=min(campaign.count, max(1, left)))
            )
        if not need.keys().isdisjoint(campaign.stopped):
            return campaign  # a stopped reward: the release holds this job, and chooses others
        repeated = connection.scalars(
            select(jobs.c.number)
            .where(
                jobs.c.number.in_(
                    select(reservations.c.job_number).where(
                        reservations.c.campaign_id == campaign.id
                    )
                ),
                due,
            )
            .limit(_MOST_REPEATED)
        ).all()
        if repeated:
            count = min(campaign.count, len(repeated))
            return replace(campaign, count=count, only=tuple(repeated))
        if not has_open(connection, campaign.id):
            self.used_up.append(UsedUp(campaign.id, usage, need))
        return None

    def reserve(
        self, connection: Connection, campaign: Waiting, numbers: Sequence[int]
    ) -> frozenset[int]:
        """Reserve what these jobs may issue; return those that fit, which alone may be queued."""
        usage = self.usages.get(campaign.id)
        if usage is None or not numbers:
            return frozenset(numbers)
        kept = reserved_among(connection, campaign.id, numbers)
        needs = read_needs(connection, [number for number in numbers if number not in kept])
        return kept | reserve(connection, campaign.id, usage, needs)
