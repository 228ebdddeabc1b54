"""The next step of a campaign that has not started, and the person who takes it."""

import shlex
from collections.abc import Iterable

from sqlalchemy import Connection

from issuance.states import NOT_STARTED, CampaignState
from ledger.approvals import REJECTED, Approval, last_approval
from ledger.campaign_settings import read_settings
from ledger.campaigns import Campaign, find_in
from ledger.store.clock import instant
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.formats import clock

HELD = (CampaignState.DRAFT, CampaignState.AWAITING_APPROVAL)
"""The states in which a person must act before anything is issued."""


@needs(Right.VIEW)
def next_steps(subject: Subject, ledger: Ledger, found: Iterable[Campaign]) -> dict[str, str]:
    """Say what is to be done next with each campaign that has not started, by name."""
    ahead = [campaign for campaign in found if campaign.state in NOT_STARTED]
    if not ahead:
        return {}
    with ledger.read() as connection:
        return {campaign.name: describe_next(connection, campaign) for campaign in ahead}


@needs(Right.VIEW)
def read_next_step(subject: Subject, ledger: Ledger, name: str) -> str:
    """Say what is to be done next with a campaign, and by whom; "" once it has started.

    Raises:
        CampaignError: there is no such campaign.
    """
    with ledger.read() as connection:
        campaign = find_in(connection, name)
        return describe_next(connection, campaign)


def describe_next(connection: Connection, campaign: Campaign) -> str:
    """Say the same within a transaction; reads nothing for a campaign that has started."""
    if campaign.state not in NOT_STARTED:
        return ""
    settings = read_settings(connection, campaign.id)
    return next_step(campaign, last_approval(connection, campaign.id), settings.start_at)


def next_step(campaign: Campaign, approval: Approval | None, start_at: int | None) -> str:
    """Say what is to be done next, and by whom; "" for a campaign that has started.

    Args:
        campaign: the campaign.
        approval: its last submission.
        start_at: when it may start, in ms; None: at once.
    """
    name = shlex.quote(campaign.name)
    match campaign.state:
        case CampaignState.DRAFT:
            rejected = ""
            if approval is not None and approval.decision == REJECTED:
                rejected = f"rejected by {approval.decided_by}: {approval.note}. Mend it, then "
            return f"{rejected}an issuer submits it: issuance campaign submit {name}"
        case CampaignState.AWAITING_APPROVAL if approval is not None:
            return (
                f"an approver other than {approval.submitted_by} decides: "
                f"issuance campaign plan {name}"
            )
        case CampaignState.SCHEDULED:
            at = instant(start_at)
            return f"nothing: it starts {'soon' if at is None else f'at {clock(at)}'}"
        case _:
            return ""
