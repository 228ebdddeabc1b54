"""What waits to be issued, and for how long."""

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from sqlalchemy import Connection

from issuance.job import Lane
from issuance.states import CampaignState, State
from ledger.queries.overview import CampaignOverview, Overview, leased_due, waiting_lines
from ledger.queries.ready import ready_since
from operations.metrics import names


def backlog_metrics(connection: Connection, overview: Overview) -> Iterator[Metric]:
    """Make the metrics of the lanes: of running campaigns only, as paused work is not due.

    Outside its window a campaign's work is not due either.
    """
    running = [each for each in overview.campaigns if each.state is CampaignState.RUNNING]
    backlog = dict.fromkeys(Lane, 0)
    leased = leased_due(connection, [each.id for each in running])
    first_due: dict[Lane, int] = {}
    for campaign in running:
        for lane in Lane:
            due = min(
                campaign.first_due.get(lane, overview.now),
                leased.get((campaign.id, lane), overview.now),
            )
            since = ready_since(campaign, overview.now, due)
            if since is not None:
                first_due[lane] = min(first_due.get(lane, since), since)
        for lane, count in _by_lane(connection, campaign).items():
            backlog[lane] += count
    lines, oldest = names.BACKLOG.gauge(), names.OLDEST_DUE.gauge()
    for lane in Lane:
        lines.add_metric([lane.value], backlog[lane])
        waited = overview.now - first_due.get(lane, overview.now)
        oldest.add_metric([lane.value], max(0, waited) / 1000)
    yield lines
    yield oldest


def _by_lane(connection: Connection, campaign: CampaignOverview) -> dict[Lane, int]:
    """Split a campaign's waiting lines; only a campaign that uses both lanes needs a count."""
    waiting = campaign.sums.lines[State.WAITING]
    lanes = list(campaign.first_due)
    if len(lanes) <= 1:
        return dict.fromkeys(lanes, waiting)
    background = waiting_lines(connection, campaign.id, Lane.BACKGROUND)
    return {Lane.BACKGROUND: background, Lane.BLAST: waiting - background}
