"""Notices that a part of a budget is used: written once for each level, and published later.

A notice is unpublished from the moment that its level is reached until its message is on the
queue, and again when the webhook did not accept it. `returns` counts the latter, so that a late
record of the publishing finds nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, update

from issuance.budget import NOTICE_LEVELS, Budget, level_reached
from issuance.states import CampaignState
from ledger.budgets.usage import Usage, amount_json, budget_json, read_usage
from ledger.store.clock import now_ms
from ledger.store.commit_log import log_after_commit
from ledger.store.database import Ledger
from ledger.store.schema import campaign_notices, campaigns

AT_ONCE = 50
"""Most notices of one message."""
_LAST = NOTICE_LEVELS[-1]
_INTEGERS_END = 2**63
_WATCHED_AFTER_END_MS = 3_600_000


class Unpublished(NamedTuple):
    """A notice that is not on the queue."""

    id: int
    returns: int


@dataclass(frozen=True, slots=True)
class BudgetEvent:
    """The event that a part of a campaign's budget is used."""

    notice_id: int
    returns: int
    campaign: str
    state: CampaignState
    percent: int
    figures: dict[str, Any]
    """What was used of the budget when the level was reached."""


def note_levels(ledger: Ledger) -> None:
    """Write a notice for each campaign that has reached a level of its budget."""
    with ledger.read() as connection:
        reached = [
            campaign_id
            for campaign_id, notified, *bounds in connection.execute(_WATCHED)
            if _level(connection, campaign_id, notified, Budget(*bounds)) is not None
        ]
    for campaign_id in reached:
        with ledger.write() as connection:
            locked = _WATCHED.where(campaigns.c.id == campaign_id)
            row = connection.execute(
                locked.with_for_update(skip_locked=True, key_share=True)
            ).one_or_none()
            if row is not None:
                _, notified, *bounds = row
                _note(connection, campaign_id, notified, Budget(*bounds))


_WATCHED = select(
    campaigns.c.id,
    campaigns.c.budget_notified,
    campaigns.c.budget_units,
    campaigns.c.budget_points,
).where(
    or_(campaigns.c.budget_units.is_not(None), campaigns.c.budget_points.is_not(None)),
    campaigns.c.budget_notified < _LAST,
    or_(
        campaigns.c.state.in_((CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.STOPPED)),
        # Late answers and the last records; an older campaign is not read in each round.
        and_(
            campaigns.c.state == CampaignState.FINISHED,
            func.coalesce(campaigns.c.finished_at, now_ms()) > now_ms() - _WATCHED_AFTER_END_MS,
        ),
    ),
)


def _level(connection: Connection, campaign_id: int, notified: int, budget: Budget) -> int | None:
    return level_reached(read_usage(connection, campaign_id, budget).percent, notified)


def _note(connection: Connection, campaign_id: int, notified: int, budget: Budget) -> None:
    usage = read_usage(connection, campaign_id, budget)
    level = level_reached(usage.percent, notified)
    if level is not None:
        write_notice(connection, campaign_id, usage, level)


def write_notice(connection: Connection, campaign_id: int, usage: Usage, level: int) -> None:
    """Write the notice of a level, in a transaction that has locked the campaign."""
    figures = {"budget": budget_json(usage.budget), "issued": amount_json(usage.issued)}
    figures |= {"reserved": amount_json(usage.reserved)}
    name = connection.scalar(
        update(campaigns)
        .where(campaigns.c.id == campaign_id)
        .values(budget_notified=level)
        .returning(campaigns.c.name)
    )
    notice = {"campaign_id": campaign_id, "percent": level, "figures": json.dumps(figures)}
    connection.execute(insert(campaign_notices).values(at=now_ms(), **notice))
    log_after_commit(
        connection, "budget_reached", level="warning", campaign=name, percent=level, **figures
    )


def unpublished_notices(ledger: Ledger) -> list[Unpublished]:
    """Return the oldest notices that are not on the queue, at most `AT_ONCE`."""
    query = (
        select(campaign_notices.c.id, campaign_notices.c.returns)
        .where(campaign_notices.c.published_at.is_(None))
        .order_by(campaign_notices.c.id)
        .limit(AT_ONCE)
    )
    with ledger.read() as connection:
        return [Unpublished(*row) for row in connection.execute(query)]


def mark_notices(ledger: Ledger, notices: Sequence[Unpublished]) -> None:
    """Record that these notices are on the queue, unless they were returned since."""
    rows = [{"notice_id": each.id, "known_returns": each.returns} for each in notices]
    with ledger.write() as connection:
        connection.execute(_PUBLISHED, rows)


_PUBLISHED = (
    update(campaign_notices)
    .where(
        campaign_notices.c.id == bindparam("notice_id"),
        campaign_notices.c.returns == bindparam("known_returns"),
    )
    .values(published_at=now_ms())
)


def find_notices(ledger: Ledger, ids: Sequence[int]) -> list[BudgetEvent]:
    """Return the events of the notices that exist.

    Args:
        ledger: the record.
        ids: as a message gives them; any integers, a bounded number of them.
    """
    known = [each for each in ids if 0 < each < _INTEGERS_END]
    query = (
        select(
            campaign_notices.c.id,
            campaign_notices.c.returns,
            campaigns.c.name,
            campaigns.c.state,
            campaign_notices.c.percent,
            campaign_notices.c.figures,
        )
        .join(campaigns, campaigns.c.id == campaign_notices.c.campaign_id)
        .where(campaign_notices.c.id.in_(known))
        .order_by(campaign_notices.c.id)
    )
    with ledger.read() as connection:
        rows = connection.execute(query).all() if known else []
    return [
        BudgetEvent(number, returns, name, CampaignState(state), percent, json.loads(figures))
        for number, returns, name, state, percent, figures in rows
    ]


def return_notices(ledger: Ledger, events: Sequence[BudgetEvent]) -> None:
    """Let these notices be published again, because the webhook did not accept them."""
    rows = [{"notice_id": each.notice_id, "known_returns": each.returns} for each in events]
    with ledger.write() as connection:
        connection.execute(_RETURNED, rows)


_RETURNED = _PUBLISHED.values(published_at=None, returns=campaign_notices.c.returns + 1)
