"""The campaign of a blast: found or made, with its options applied."""

from dataclasses import dataclass

from ledger.campaigns import (
    Campaign,
    CampaignError,
    campaign_account,
    ensure_campaign,
    find_campaign,
    weigh_campaign,
)
from ledger.store.database import Ledger
from ledger.store.errors import LedgerError
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.services import Services


@dataclass(frozen=True, slots=True)
class Prepared:
    """A campaign that is ready for a file."""

    campaign: Campaign
    weight_before: int | None
    """The weight that was changed; None if it was not, or if the campaign is new."""
    weight_set: bool


@needs(Right.BLAST)
def account_of(subject: Subject, services: Services, campaign: str) -> str | None:
    """Look up the account of a campaign before its file is read; None: it is a new campaign."""
    try:
        with services.open_ledger() as ledger:
            return campaign_account(ledger, campaign)
    except LedgerError:
        return None  # it does not exist yet; any other fault is reported when it is opened later


@needs(Right.BLAST)
def prepare_campaign(
    subject: Subject,
    ledger: Ledger,
    name: str,
    account: str,
    *,
    defer_limits: bool,
    weight: int | None,
) -> Prepared:
    """Find or create a campaign. The weight of one that exists needs the right to change weights.

    Raises:
        CampaignError: the name is wrong, the campaign belongs to another account, or it is
            cancelled and a weight is given.
        NotAllowedError: the campaign exists, and the subject may not change its weight.
    """
    known = _find(ledger, name)
    if known is not None and weight not in (None, known.weight):
        subject.require(Right.WEIGHT)
    campaign = ensure_campaign(ledger, name, defers_limits=defer_limits, account=account)
    if weight is None or weight == campaign.weight:
        return Prepared(campaign, weight_before=None, weight_set=False)
    weigh_campaign(ledger, campaign.name, weight, subject.acting())
    before = None if known is None else known.weight
    return Prepared(campaign, before, weight_set=True)


def _find(ledger: Ledger, name: str) -> Campaign | None:
    try:
        return find_campaign(ledger, name)
    except CampaignError:
        return None
