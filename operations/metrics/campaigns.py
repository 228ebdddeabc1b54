"""Lines, units and points of the campaigns, and which of them are stopped."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.metrics_core import Metric
from sqlalchemy import Connection

from issuance.states import CampaignState, State
from ledger.queries.overview import CampaignOverview, Overview, Sums, stopped_since
from ledger.queries.ready import ready_seconds
from ledger.stop_loss.stop_records import read_open_stops
from operations.metrics import names
from operations.metrics.labels import CLOSED, OTHER, campaign_labels

NAMED = 10
"""The open campaigns that have series of their own: with a hundred, 300 series in all."""
_POINT = 1000
_RANK = {
    CampaignState.RUNNING: 0,
    CampaignState.STOPPED: 1,
    CampaignState.PAUSED: 2,
    CampaignState.CANCELLED: 3,
}


@dataclass(slots=True)
class HighWater:
    """The largest totals yet: a correction in the ledger must not look like a restart."""

    units: float = 0
    points: float = 0


def shown_campaigns(overview: Overview) -> dict[int, str]:
    """Return the labels of the campaigns that have series of their own, by id.

    Running campaigns come first, then stopped and paused ones, the newest first of each.
    """
    open_ones = [each for each in overview.campaigns if not _is_closed(each)]
    open_ones.sort(key=lambda each: (_RANK.get(each.state, len(_RANK)), -each.id))
    labels = campaign_labels((each.id, each.name) for each in open_ones)
    return {each.id: labels[each.id] for each in open_ones[:NAMED]}


def _is_closed(campaign: CampaignOverview) -> bool:
    return campaign.state is CampaignState.CANCELLED and not campaign.open_lines


def campaign_metrics(
    overview: Overview, shown: Mapping[int, str], most: HighWater
) -> Iterator[Metric]:
    """Make the metrics of lines, units and points.

    A campaign that is closed moves into a common label. So what must not jump has no such label:
    the totals.
    """
    sums = {CLOSED: Sums(), OTHER: Sums()}
    sums[CLOSED].add(overview.finished)
    for campaign in overview.campaigns:
        fold = CLOSED if _is_closed(campaign) else OTHER
        sums.setdefault(shown.get(campaign.id, fold), Sums()).add(campaign.sums)
    lines, units, points = names.LINES.gauge(), names.UNITS.gauge(), names.POINTS.gauge()
    for label, found in sums.items():
        for of_line in State:
            lines.add_metric([label, of_line.value], found.lines[of_line])
        units.add_metric([label], found.units)
        points.add_metric([label], found.points / _POINT)
    yield from (lines, units, points)
    most.units = max(most.units, sum(each.units for each in sums.values()))
    most.points = max(most.points, sum(each.points for each in sums.values()) / _POINT)
    yield names.LINES_ACCEPTED.single(overview.accepted_lines)
    yield names.UNITS_ISSUED.single(most.units)
    yield names.POINTS_REDEEMED.single(most.points)
    campaigns = names.CAMPAIGNS.gauge()
    for state, count in overview.by_state.items():
        campaigns.add_metric([state.value], count)
    yield campaigns


def stopped_metric(
    connection: Connection,
    overview: Overview,
    shown: Mapping[int, str],
    suspended: Mapping[int, float],
) -> Metric:
    """Make the metric of campaigns that are stopped although they have open lines.

    Args:
        connection: the transaction.
        overview: the campaigns.
        shown: the labels of those that have series of their own.
        suspended: seconds since each suspended campaign was suspended, by id.
    """
    family = names.CAMPAIGN_STOPPED.gauge()
    with_work = [each for each in overview.campaigns if each.open_lines]
    paused = [each for each in with_work if each.state is CampaignState.PAUSED]
    since = stopped_since(connection, [each.name for each in paused]) if paused else {}
    stops = read_open_stops(connection) if with_work else {}
    longest: dict[tuple[str, str], float] = {}
    for campaign in with_work:
        causes = {}
        if campaign.name in since and campaign.state is CampaignState.PAUSED:
            causes["paused"] = max(0.0, (overview.now - since[campaign.name]) / 1000)
        if campaign.name in stops:
            causes["stopped"] = max(0.0, (overview.now - stops[campaign.name][0].at) / 1000)
        if campaign.id in suspended:
            causes["suspended"] = ready_seconds(campaign, overview.now, suspended[campaign.id])
        for cause, seconds in causes.items():
            key = (shown.get(campaign.id, OTHER), cause)
            longest[key] = max(longest.get(key, 0.0), seconds)
    for key, seconds in longest.items():
        family.add_metric(list(key), seconds)
    return family
