"""The rates of single campaigns: how many jobs a release may queue, and what it has queued."""

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection, select

from issuance.call_rate import arrival_after, conforming, most_queued
from ledger.dispatch.backlog import Queued, Waiting
from ledger.store.clock import now_ms
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import campaign_rates

_ARRIVALS = select(campaign_rates.c.campaign_id, campaign_rates.c.arrival_at)


def within_rates(
    connection: Connection, waiting: list[Waiting], queued: Iterable[Queued]
) -> list[Waiting]:
    """Lower the counts of campaigns with a rate of their own; leave out those that must wait.

    What is queued and not claimed counts too: workers that were away for a minute must not make a
    minute's calls at once.
    """
    rated = [each.id for each in waiting if each.rate_per_minute is not None]
    if not rated:
        return waiting
    now, arrivals = _arrivals(connection, rated)
    counts = {each.id: each.count for each in queued}
    lowered = [
        _lowered(each, arrivals.get(each.id), counts.get(each.id, 0), now) for each in waiting
    ]
    return [each for each in lowered if each.count > 0]


def _lowered(campaign: Waiting, arrival: int | None, queued: int, now: int) -> Waiting:
    rate = campaign.rate_per_minute
    if rate is None:
        return campaign
    allowed = min(conforming(rate, arrival, now), most_queued(rate) - queued)
    return replace(campaign, count=min(campaign.count, allowed))


def note_queued(connection: Connection, campaign: Waiting, count: int) -> None:
    """Count what a release has queued against the campaign's rate, if it has one."""
    if campaign.rate_per_minute is None or not count:
        return
    now, arrivals = _arrivals(connection, [campaign.id])
    arrival = arrival_after(campaign.rate_per_minute, arrivals.get(campaign.id), now, count)
    values = {"campaign_id": campaign.id, "arrival_at": arrival}
    upsert = dialect_of(connection).upsert(
        campaign_rates, values, keys=["campaign_id"], changes={"arrival_at": arrival}
    )
    connection.execute(upsert)


def _arrivals(connection: Connection, ids: list[int]) -> tuple[int, dict[int, int]]:
    found = connection.execute(_ARRIVALS.where(campaign_rates.c.campaign_id.in_(ids)))
    return connection.scalar(select(now_ms())) or 0, dict(map(tuple, found))
