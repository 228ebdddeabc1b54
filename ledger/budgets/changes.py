"""Sets a campaign's budget, which must hold what is issued and what may be issued already."""

import shlex
from typing import Any

from sqlalchemy import Connection, and_, delete, or_, select, union, update

from issuance.budget import Budget, level_reached, quantity_text, unpriced
from issuance.reward_key import describe_reward
from issuance.states import CampaignState, State
from ledger.budgets.usage import (
    Usage,
    read_needs,
    read_prices,
    read_usage,
    reserve,
)
from ledger.queries.counters import reward_counts
from ledger.store.dialects.dialect import Lock, dialect_of
from ledger.store.errors import LedgerError
from ledger.store.schema import (
    IS_LEASED,
    IS_SETTLED_LINE,
    IS_WAITING,
    campaigns,
    jobs,
    lines,
    reservations,
)

_NOT_STARTED = (CampaignState.DRAFT, CampaignState.AWAITING_APPROVAL, CampaignState.SCHEDULED)


_SHOWN = 5


class BudgetError(LedgerError):
    """The budget cannot be set or kept; the message says why and what to do instead."""


def lock_budgets(connection: Connection) -> None:
    """Wait for the release under way; the first step of a transaction that sets a budget."""
    dialect_of(connection).lock(connection, Lock.RELEASE)


def read_budget(connection: Connection, campaign_id: int) -> Budget:
    """Read a campaign's budget; one without a bound has none."""
    return _budget(_read(connection, campaign_id))


def set_budget(
    connection: Connection, campaign_id: int, budget: Budget, *, is_repriced: bool = False
) -> Budget:
    """Set a campaign's budget, and return the one before.

    Args:
        connection: the transaction, which called `lock_budgets` first, has locked the campaign, and
            records the change.
        campaign_id: the campaign.
        budget: the new budget.
        is_repriced: whether the expected points of its rewards have changed too.

    Raises:
        BudgetError: it is below what is issued and reserved, or the points of a reward are not
            known.
    """
    found = _read(connection, campaign_id)
    before = _budget(found)
    if before == budget and not (is_repriced and budget.points is not None):
        return before
    require_prices(connection, campaign_id, budget)
    notified = 0
    if found.state not in _NOT_STARTED:
        _reserve_what_may_issue(connection, campaign_id, budget)
        usage = read_usage(connection, campaign_id, budget)
        _check_used(usage)
        notified = level_reached(usage.percent, 0) or 0
    connection.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign_id)
        .values(budget_units=budget.units, budget_points=budget.points, budget_notified=notified)
    )
    return before


def require_prices(connection: Connection, campaign_id: int, budget: Budget) -> None:
    """Make sure that a budget of points can be kept: before it is set, and before the start.

    Raises:
        BudgetError: the points of one of the campaign's rewards are not known.
    """
    if budget.points is None:
        return
    counts = reward_counts(connection, campaign_id)
    rewards = [reward for (reward, _), tally in counts.items() if tally.lines]
    unknown = unpriced(read_prices(connection, campaign_id), rewards)
    if unknown:
        shown = ", ".join(map(describe_reward, unknown[:_SHOWN]))
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        name = connection.scalar(select(campaigns.c.name).where(campaigns.c.id == campaign_id))
        raise BudgetError(
            f"A budget of points needs the points of each reward, and those of {shown}{more} are "
            f"not known: give them with `issuance campaign set {shlex.quote(name or '')} "
            "--rewards FILE`, or set --budget-units instead"
        )


def _check_used(usage: Usage) -> None:
    for name, most in usage.budget.bounds:
        used = getattr(usage.total, name)
        if used > most:
            raise BudgetError(
                f"{quantity_text(name, used)} are issued or under way, more than the budget of "
                f"{quantity_text(name, most)}: give at least as many, or cancel the campaign"
            )


def _reserve_what_may_issue(connection: Connection, campaign_id: int, budget: Budget) -> None:
    """Reserve all that was sent and has no definite answer, at the prices of this budget."""
    connection.execute(delete(reservations).where(reservations.c.campaign_id == campaign_id))
    sent = select(jobs.c.number).where(
        jobs.c.campaign_id == campaign_id,
        or_(IS_LEASED, and_(IS_WAITING, jobs.c.may_have_reached)),
    )
    in_doubt = select(lines.c.job_number).where(
        lines.c.campaign_id == campaign_id, IS_SETTLED_LINE, lines.c.state == State.IN_DOUBT
    )
    if budget.bounds:
        numbers = connection.scalars(union(sent, in_doubt)).all()
        usage = read_usage(connection, campaign_id, budget)
        reserve(connection, campaign_id, usage, read_needs(connection, numbers), forced=True)


def _read(connection: Connection, campaign_id: int) -> Any:
    query = select(campaigns.c.state, campaigns.c.budget_units, campaigns.c.budget_points)
    return connection.execute(query.where(campaigns.c.id == campaign_id)).one()


def _budget(row: Any) -> Budget:
    return Budget(row.budget_units, row.budget_points)
