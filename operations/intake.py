"""The campaign of a blast: found or made, with its options applied."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from issuance.campaign_settings import GivenSettings
from issuance.states import NOT_STARTED
from ledger.campaign_changes import set_campaign
from ledger.campaign_removal import remove_if_empty
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
    is_new: bool = False
    """It was made for this file."""
    submits: bool = False
    """It is submitted once the file is read: the policy asks for that."""


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
    is_draft: bool = False,
    asks_approval: bool = False,
    stop_loss: str | None = None,
) -> Prepared:
    """Find or create a campaign. The weight of one that exists needs the right to change weights.

    Args:
        subject: sends the file.
        ledger: the record.
        name: the campaign's name.
        account: its API account.
        defer_limits: whether a new campaign waits for the next limit window instead of failing.
        weight: its weight; None: unchanged.
        is_draft: whether it holds its rows until it is submitted.
        asks_approval: whether there is an approval policy: a new campaign then holds its rows until
            the file is read, and is submitted.
        stop_loss: that of a new campaign, default or off; None: default.

    Raises:
        CampaignError: the name is wrong, the campaign belongs to another account, it is cancelled
            and a weight is given, or it has started and a draft is wanted.
        NotAllowedError: the campaign exists, and the subject may not change its weight.
    """
    known = _find(ledger, name)
    if known is not None and weight not in (None, known.weight):
        subject.require(Right.SET_CAMPAIGN if known.state in NOT_STARTED else Right.WEIGHT)
    if is_draft:
        _require_not_started(known)
    campaign = ensure_campaign(
        ledger,
        name,
        defers_limits=defer_limits,
        account=account,
        is_draft=is_draft or asks_approval,
        stop_loss=stop_loss or "default",
    )
    prepared = Prepared(
        campaign,
        weight_before=None,
        weight_set=False,
        is_new=known is None,
        submits=known is None and asks_approval and not is_draft,
    )
    if weight is None or weight == campaign.weight:
        return prepared
    weigh_campaign(ledger, campaign.name, weight, subject.acting())
    before = None if known is None else known.weight
    return replace(prepared, weight_before=before, weight_set=True)


@needs(Right.BLAST)
def check_draft(subject: Subject, ledger: Ledger, name: str) -> None:
    """Make sure that a campaign is new or can take more rows before it starts.

    Raises:
        CampaignError: it has started.
    """
    _require_not_started(_find(ledger, name))


@needs(Right.BLAST)
def store_points(subject: Subject, ledger: Ledger, name: str, points: Mapping[str, int]) -> None:
    """Store what one unit of each reward of a file is expected to cost, in thousandths of a point.

    Raises:
        CampaignError: there is no such campaign, or it has ended.
    """
    if points:
        set_campaign(ledger, name, GivenSettings(), subject.acting(), zone="UTC", points=points)


@needs(Right.BLAST)
def forget_empty(subject: Subject, ledger: Ledger, prepared: Prepared) -> bool:
    """Remove a campaign that was made for a file of which nothing was accepted; return whether."""
    return prepared.is_new and remove_if_empty(ledger, prepared.campaign, subject.acting())


def _require_not_started(known: Campaign | None) -> None:
    if known is not None and known.state not in NOT_STARTED:
        raise CampaignError(
            f"Campaign {known.name} is {known.state}: it cannot be a draft again. Leave out "
            "--draft, or name another campaign"
        )


def _find(ledger: Ledger, name: str) -> Campaign | None:
    try:
        return find_campaign(ledger, name)
    except CampaignError:
        return None
