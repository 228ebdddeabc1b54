"""The whole plan of a campaign, read in one transaction."""

from dataclasses import dataclass

from sqlalchemy import Connection

from issuance.campaign_settings import CampaignSettings
from ledger.approvals import Approval, last_approval
from ledger.campaigns import Campaign, find_in
from ledger.plans.contents import (
    PlannedFile,
    PlannedReward,
    SampleLine,
    read_files,
    read_rewards,
    read_sample,
    total_points,
)
from ledger.plans.digest import JobRange, Stamp, find_jobs, read_digest, read_stamp
from ledger.plans.overlaps import Overlap, find_overlaps
from ledger.store.database import Ledger


@dataclass(frozen=True, slots=True)
class Contents:
    """What a campaign would issue, with the digest that binds it."""

    campaign: Campaign
    stamp: Stamp
    digest: str
    rewards: list[PlannedReward]

    @property
    def settings(self) -> CampaignSettings:
        """The campaign's settings."""
        return self.stamp.settings

    @property
    def lines(self) -> int:
        """All lines, without those that are cancelled or replaced."""
        return sum(each.lines for each in self.rewards)

    @property
    def units(self) -> int:
        """The units that all these lines ask for."""
        return sum(each.units for each in self.rewards)

    @property
    def points(self) -> int | None:
        """The expected points in thousandths; None if those of a reward are not known."""
        return total_points(self.rewards)


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """A plan as a person judges it."""

    contents: Contents
    files: list[PlannedFile]
    overlaps: list[Overlap]
    sample: list[SampleLine]
    approval: Approval | None
    """The last submission; None: there was none."""


def read_contents(
    connection: Connection, campaign: Campaign, found: JobRange | None = None
) -> Contents:
    """Read what a campaign would issue; reads each of its bodies, but no other campaign.

    `found` has the numbers of its jobs, if they are known.
    """
    stamp = read_stamp(connection, campaign)
    found = found or find_jobs(connection, campaign.id)
    return Contents(
        campaign,
        stamp,
        read_digest(connection, stamp, campaign, found),
        read_rewards(connection, found, stamp.points),
    )


def read_version(ledger: Ledger, name: str) -> tuple[Campaign, Stamp, Approval | None]:
    """Read what differs after any change of a campaign's plan, without reading its jobs.

    Raises:
        CampaignError: there is no such campaign.
    """
    with ledger.read() as connection:
        campaign = find_in(connection, name)
        return campaign, read_stamp(connection, campaign), last_approval(connection, campaign.id)


def read_plan(ledger: Ledger, name: str) -> CampaignPlan:
    """Read a campaign's plan: a few seconds for a million lines.

    Raises:
        CampaignError: there is no such campaign.
    """
    with ledger.read() as connection, ledger.dialect.reading_much(connection):
        campaign = find_in(connection, name)
        found = find_jobs(connection, campaign.id)
        return CampaignPlan(
            contents=read_contents(connection, campaign, found),
            files=read_files(connection, campaign.id),
            overlaps=find_overlaps(connection, found),
            sample=read_sample(connection, found),
            approval=last_approval(connection, campaign.id),
        )
