"""Ends the jobs of rewards that an operator removed, and stops campaigns that only hold jobs."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

from sqlalchemy import ColumnElement, Connection, and_, select, update

from issuance.campaign_life import Act
from issuance.job import Lane
from issuance.states import CampaignState
from issuance.stop_loss.rewards import RETURNING, RewardState, read_list, read_stopped, write_list
from ledger.audit_log import SYSTEM
from ledger.campaigns import CampaignError, change_state_in, find_in
from ledger.dispatch.cancellation import settle_unsent
from ledger.stop_loss.held import hold, return_some
from ledger.stop_loss.stopped_rewards import HELD_MS, IS_HELD, has_only
from ledger.store.database import Ledger
from ledger.store.schema import IS_LEASED, IS_WAITING, campaign_rewards, campaigns, jobs

BECAUSE = "its reward was removed from the campaign"
_RETURN_AT_ONCE = 10_000
_ALL = "only rewards that are stopped have lines left"


def settle_removed(ledger: Ledger, campaign_id: int, limit: int = 50_000) -> int:
    """Settle unsent jobs whose open lines are all of removed rewards; returns how many."""
    with ledger.write() as connection:
        removed = removed_rewards(connection, campaign_id)
        if not removed:
            return 0
        of_jobs = and_(jobs.c.campaign_id == campaign_id, has_only(removed))
        return settle_unsent(connection, of_jobs, BECAUSE, limit)


def hold_or_settle(
    connection: Connection, campaign_id: int, numbers: Collection[int], stopped: Collection[str]
) -> frozenset[int]:
    """Hold those of these due jobs that have a stopped reward; end those of removed rewards.

    Returns:
        The numbers of both.
    """
    held = hold(connection, list(numbers), stopped)
    if held and (removed := removed_rewards(connection, campaign_id)):
        of_jobs = and_(jobs.c.number.in_(sorted(held)), has_only(removed))
        settle_unsent(connection, of_jobs, BECAUSE, len(held))
    return held


def removed_rewards(connection: Connection, campaign_id: int) -> frozenset[str]:
    """Return the rewards that were removed from a campaign."""
    query = select(campaign_rewards.c.reward).where(
        campaign_rewards.c.campaign_id == campaign_id,
        campaign_rewards.c.state == RewardState.REMOVED,
    )
    return frozenset(connection.scalars(query))


def keep_stopped(ledger: Ledger) -> None:
    """Move jobs of rewards that run again back, and stop campaigns that only hold jobs.

    Every release does a bounded part of it.
    """
    query = select(campaigns.c.name, campaigns.c.stopped_rewards).where(
        campaigns.c.state == CampaignState.RUNNING, campaigns.c.stopped_rewards.is_not(None)
    )
    with ledger.read() as connection:
        found = connection.execute(query).all()
    for name, stored in found:
        with suppress(CampaignError):  # it may be gone
            if RETURNING in read_list(stored):
                _return(ledger, name)
            elif read_stopped(stored):
                _stop_if_only_held(ledger, name)


def _return(ledger: Ledger, name: str) -> None:
    with ledger.write() as connection:
        campaign = find_in(connection, name, for_update=True)
        if return_some(connection, campaign.id, _RETURN_AT_ONCE) < _RETURN_AT_ONCE:
            query = select(campaigns.c.stopped_rewards).where(campaigns.c.id == campaign.id)
            left = [each for each in read_list(connection.scalar(query)) if each != RETURNING]
            connection.execute(
                update(campaigns)
                .where(campaigns.c.id == campaign.id)
                .values(stopped_rewards=write_list(left))
            )


def _stop_if_only_held(ledger: Ledger, name: str) -> None:
    with ledger.read() as connection:
        campaign = find_in(connection, name)
        if not _only_holds(connection, campaign.id):
            return
    with ledger.write() as connection:
        campaign = find_in(connection, name, for_update=True)
        if campaign.state is CampaignState.RUNNING and _only_holds(connection, campaign.id):
            change_state_in(connection, campaign, replace(SYSTEM, note=_ALL), Act.STOP)


def _only_holds(connection: Connection, campaign_id: int) -> bool:
    """Whether a campaign has held jobs, and no other job to be sent or under way."""

    def exists(*where: ColumnElement[bool]) -> bool:
        query = select(jobs.c.number).where(jobs.c.campaign_id == campaign_id, *where).limit(1)
        return connection.scalar(query) is not None

    blast = jobs.c.lane == Lane.BLAST
    return (
        exists(IS_WAITING, blast, IS_HELD)
        and not exists(IS_WAITING, blast, jobs.c.due_at < HELD_MS)
        and not exists(IS_LEASED)
    )
