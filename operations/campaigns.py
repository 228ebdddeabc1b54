"""What an operator sees of a whole campaign and does to it, and its balance for programs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from issuance.details.points import points_number
from issuance.states import CampaignState, State
from ledger.campaigns import (
    Campaign,
    find_campaign,
    pause_campaign,
    weigh_campaign,
)
from ledger.dispatch.cancellation import cancel_campaign, settle_cancelled
from ledger.dispatch.removal import settle_removed
from ledger.queries.balance import Balance, balance
from ledger.queries.campaign_accounts import halted_campaigns
from ledger.queries.org_balance import OrgBalance
from ledger.stop_loss.resuming import resume as resume_campaign
from ledger.store.database import Ledger
from limiter.sync_limiter import SyncLimiter
from limiter.unavailable import LimitsUnavailable
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.errors import UsageError
from operations.formats import iso
from operations.services import Services
from operations.wake_up import wake_release


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a campaign's state."""

    campaign: Campaign
    """The campaign after the change."""
    delay: str = ""
    """Why the workers have not been notified yet; "" when they have."""


@needs(Right.VIEW)
def read_balance(subject: Subject, ledger: Ledger, name: str) -> Balance:
    """Count a campaign's lines by state.

    Raises:
        CampaignError: there is no such campaign.
    """
    return balance(ledger, name)


@needs(Right.VIEW)
def read_state(subject: Subject, ledger: Ledger, name: str) -> CampaignState:
    """Read a campaign's state.

    Raises:
        CampaignError: there is no such campaign.
    """
    return find_campaign(ledger, name).state


@needs(Right.PAUSE)
def pause(
    subject: Subject, services: Services, ledger: Ledger, name: str, note: str = ""
) -> Change:
    """Start no more calls of a campaign until it is resumed.

    Raises:
        CampaignError: there is no such campaign, or its state does not allow it.
    """
    paused = pause_campaign(ledger, name, subject.acting(note))
    return Change(paused, _notify_workers(services, paused, lambda limits: limits.pause(paused.id)))


@needs(Right.RESUME)
def resume(
    subject: Subject,
    services: Services,
    ledger: Ledger,
    name: str,
    note: str = "",
    *,
    continues: bool = False,
    without: Sequence[str] = (),
) -> Change:
    """Continue a paused or stopped campaign.

    Args:
        subject: resumes it.
        services: notifies the workers.
        ledger: the record.
        name: the campaign's name.
        note: the reason.
        continues: send the lines of stopped rewards too.
        without: rewards, by rewardId or external id, whose unsent lines are cancelled instead.

    Raises:
        CampaignError: there is no such campaign, its state does not allow it, a stop needs a
            decision, or a reward cannot be left out.
    """
    if continues and without:
        raise UsageError("--go-on and --without-reward exclude each other: give one of them")
    resumed = resume_campaign(
        ledger, name, subject.acting(note), continues=continues, without=without
    )
    halted = halted_campaigns(ledger).get(resumed.account, set())

    def notify(limits: SyncLimiter) -> None:
        of_campaign = [
            each
            for each in limits.paused()
            if each == resumed.id or (isinstance(each, tuple) and each[0] == resumed.id)
        ]
        for each in set(of_campaign) - halted:
            limits.unpause(each)

    delay = _notify_workers(services, resumed, notify)
    while without and settle_removed(ledger, resumed.id):
        pass
    wake_release(services)
    return Change(resumed, delay)


@needs(Right.CANCEL)
def cancel(
    subject: Subject, services: Services, ledger: Ledger, name: str, note: str = ""
) -> Change:
    """End a campaign for good, and settle all of its lines that were never sent.

    Raises:
        CampaignError: there is no such campaign.
    """
    delay = ""

    def notify(cancelled: Campaign) -> None:
        nonlocal delay
        delay = _notify_workers(services, cancelled, lambda limits: limits.pause(cancelled.id))

    cancelled = cancel_campaign(ledger, name, subject.acting(note), notify=notify)
    while settle_cancelled(ledger):
        pass
    return Change(cancelled, delay)


@needs(Right.WEIGHT)
def weigh(subject: Subject, ledger: Ledger, name: str, weight: int, note: str = "") -> Campaign:
    """Set a campaign's share of the rate relative to other campaigns, 1 to 100.

    Raises:
        CampaignError: there is no such campaign, it is cancelled, or the weight is out of range.
    """
    return weigh_campaign(ledger, name, weight, subject.acting(note))


def _notify_workers(
    services: Services, campaign: Campaign, notify: Callable[[SyncLimiter], None]
) -> str:
    """Notify the workers through Redis; return why they must wait for the next release, or ""."""
    limits = services.limits_of(campaign.account)
    if limits is None:
        return "No Redis is configured or running: this takes effect at the next release."
    try:
        notify(limits)
    except LimitsUnavailable:
        return "Redis is out of reach: this takes effect at the next release."
    return ""


def balance_json(balance: Balance) -> dict[str, Any]:
    """Return the balance for programs: the count of lines in each state."""
    return {
        "campaign": balance.campaign.name,
        "state": balance.campaign.state,
        "weight": balance.campaign.weight,
        "accepted": balance.campaign.accepted_lines,
        **{state.value: balance.counts.get(state, 0) for state in State},
        "units": balance.units,
        "pointsRedeemed": points_number(balance.points),
        "pruned": balance.pruned,
        "balanced": balance.balanced,
        "openDeadLetters": balance.open_dead_letters,
        "oldestDueAt": iso(balance.oldest_due),
    }


def org_json(balance: OrgBalance) -> dict[str, Any]:
    """Return an organisation's balance for programs; `waiting` has all lines not settled."""
    return {
        "orgId": balance.org_id,
        "accepted": balance.accepted,
        **{
            state.value: balance.counts.get(state, 0)
            for state in State
            if state not in (State.QUEUED, State.RUNNING)
        },
        "units": balance.units,
        "pointsRedeemed": points_number(balance.points),
        "pruned": balance.pruned,
        "balanced": balance.balanced,
    }
