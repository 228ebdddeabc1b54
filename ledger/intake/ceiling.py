"""The ceilings of the approval policy, for what is added to a campaign that has started."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from issuance.approval_policy import ApprovalPolicy
from issuance.job import Job
from issuance.reward_key import reward_key
from issuance.states import NOT_STARTED
from ledger.campaign_settings import read_points
from ledger.campaigns import Campaign, CampaignError
from ledger.intake.insertion import requested_units
from ledger.queries.counters import reward_counts
from ledger.store.schema import campaigns


def check_ceiling(
    connection: Connection, campaign: Campaign, accepted: Sequence[Job], policy: ApprovalPolicy
) -> None:
    """Make sure that a campaign that has started stays within the policy with these new jobs.

    The points of all its units count as those of its dearest reward, so that no line is read.

    Raises:
        CampaignError: it does not.
    """
    query = select(campaigns.c.state, campaigns.c.requested_units)
    state, before = connection.execute(query.where(campaigns.c.id == campaign.id)).one()
    if state in NOT_STARTED:
        return
    units = before + requested_units(accepted)
    points = None if policy.points is None else _most_points(connection, campaign, accepted, units)
    excess = policy.excess(units, points)
    if excess:
        raise CampaignError(
            f"Campaign {campaign.name} is {state}, and rows are added to it without approval only "
            f"up to a ceiling: {excess}. Put the new rows into a file of their own, and accept it "
            "as a draft of another name: issuance blast FILE --campaign ANOTHER --draft"
        )


def _most_points(
    connection: Connection, campaign: Campaign, accepted: Sequence[Job], units: int
) -> int | None:
    prices = read_points(connection, campaign.id)
    rewards = {reward for reward, _ in reward_counts(connection, campaign.id)}
    rewards |= {
        reward_key(line.reward_id, line.reward_external_id)
        for job in accepted
        for line in job.lines
    }
    found = [prices.get(reward) for reward in rewards if reward]
    return None if None in found else units * max((each or 0 for each in found), default=0)
