"""The digest of a campaign as the ledger has it, and the stamp that shows a change cheaply."""

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from issuance.campaign_digest import campaign_digest
from issuance.campaign_settings import CampaignSettings
from issuance.states import State
from ledger.campaign_settings import read_points, read_settings
from ledger.campaigns import Campaign
from ledger.queries.counters import RewardTallies, reward_counts
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import IS_OPEN, IS_SETTLED_LINE, jobs, lines

NOT_ISSUED = (State.CANCELLED, State.REPLACED)
"""The states of lines that are not a part of the plan."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What differs after any change of a campaign, without reading its jobs.

    A body never changes once it is accepted, so a row that is added, withdrawn or sent changes a
    count.
    """

    settings: CampaignSettings
    points: dict[str, int | None]
    accepted_lines: int
    counts: RewardTallies


class JobRange(NamedTuple):
    """The numbers between which a campaign's jobs are; jobs of others may be there too."""

    campaign_id: int
    first: int
    last: int


def read_stamp(connection: Connection, campaign: Campaign) -> Stamp:
    """Read a campaign's stamp, at a cost that does not grow with its jobs."""
    return Stamp(
        settings=read_settings(connection, campaign.id),
        points=read_points(connection, campaign.id),
        accepted_lines=campaign.accepted_lines,
        counts=reward_counts(connection, campaign.id),
    )


def find_jobs(connection: Connection, campaign_id: int) -> JobRange:
    """Find the numbers of a campaign's jobs by its indexes; 1 to 0 if it has none."""
    unsettled = select(func.min(jobs.c.number), func.max(jobs.c.number)).where(
        jobs.c.campaign_id == campaign_id, IS_OPEN
    )
    settled = select(func.min(lines.c.job_number), func.max(lines.c.job_number)).where(
        lines.c.campaign_id == campaign_id, IS_SETTLED_LINE
    )
    found = [
        number
        for query in (unsettled, settled)
        for number in connection.execute(query).one()
        if number is not None
    ]
    return JobRange(campaign_id, min(found, default=1), max(found, default=0))


def read_digest(connection: Connection, stamp: Stamp, campaign: Campaign, found: JobRange) -> str:
    """Digest a campaign; reads each of its bodies, about a second for a million jobs."""
    settings = stamp.settings.as_json()
    settings |= {"account": campaign.account, "defers_limits": campaign.defers_limits}
    blocks = dialect_of(connection).block_digests(connection, *found)
    return campaign_digest(settings, stamp.points, blocks)
