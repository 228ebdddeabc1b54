"""What a person does to a campaign before it starts: sets, submits, approves or rejects it."""

from collections.abc import Mapping

from issuance.campaign_settings import GivenSettings
from issuance.states import NOT_STARTED
from ledger.campaign_changes import (
    Changed,
    Submitted,
    approve_campaign,
    reject_campaign,
    set_campaign,
    submit_campaign,
)
from ledger.campaigns import Campaign, find_campaign
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.services import Services
from operations.time_zones import zone_of
from operations.wake_up import wake_release


@needs(Right.SET_CAMPAIGN)
def set_settings(
    subject: Subject,
    services: Services,
    ledger: Ledger,
    name: str,
    given: GivenSettings,
    *,
    points: Mapping[str, int] | None = None,
    note: str = "",
) -> Changed:
    """Change a campaign's settings; one that was submitted or approved is a draft again.

    Once a campaign has started, its weight needs the right to change weights.

    Args:
        subject: changes it.
        services: knows the account's time zone, for times without one.
        ledger: the record.
        name: the campaign's name.
        given: the settings to change.
        points: expected points of one unit in thousandths, by the reward's key.
        note: the reason.

    Raises:
        CampaignError: there is no such campaign, or its state does not allow the change.
        ExplainedError: a value is wrong.
        NotAllowedError: the weight of a started campaign, without that right.
    """
    campaign = find_campaign(ledger, name)
    if given.weight is not None and campaign.state not in NOT_STARTED:
        subject.require(Right.WEIGHT)
    zone = str(zone_of(services, campaign.account))
    return set_campaign(ledger, name, given, subject.acting(note), zone=zone, points=points)


@needs(Right.SUBMIT)
def submit(
    subject: Subject, services: Services, ledger: Ledger, name: str, *, note: str = ""
) -> Submitted:
    """Submit a draft: for approval where the policy asks for it, else for its start.

    Raises:
        CampaignError: there is no such campaign, it is no draft, or it is empty.
    """
    policy = services.settings.approval_policy
    submitted = submit_campaign(ledger, name, subject.acting(note), policy)
    if not submitted.excess:
        wake_release(services)
    return submitted


@needs(Right.APPROVE)
def approve(
    subject: Subject, services: Services, ledger: Ledger, name: str, digest: str, *, note: str = ""
) -> Campaign:
    """Approve what another person submitted, for exactly this digest.

    Raises:
        ApprovalError: it waits for no approval, the subject submitted it, or its digest differs.
        CampaignError: there is no such campaign.
    """
    approved = approve_campaign(ledger, name, digest, subject.acting(note))
    wake_release(services)
    return approved


@needs(Right.APPROVE)
def reject(subject: Subject, ledger: Ledger, name: str, *, note: str) -> Campaign:
    """Make a submitted campaign a draft again; the note says what must be mended.

    Raises:
        ApprovalError: it waits for no approval, or the note is empty.
        CampaignError: there is no such campaign.
    """
    return reject_campaign(ledger, name, subject.acting(note))
