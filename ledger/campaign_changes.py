"""Changes of a campaign before it starts: its settings, submission and approval.

What a second person approved is one digest. It is read outside of the transaction that changes the
state, which only makes sure by the stamp that nothing changed meanwhile: a digest of a million jobs
takes seconds, and no worker should wait for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from issuance.approval_policy import ApprovalPolicy
from issuance.budget import Budget
from issuance.campaign_life import Act
from issuance.campaign_settings import CampaignSettings, GivenSettings, loosened
from issuance.details.points import as_points
from issuance.display import printable
from issuance.masking import hide_identifiers
from issuance.states import NOT_STARTED, CampaignState
from ledger.approvals import (
    APPROVED,
    REJECTED,
    VOIDABLE,
    Approval,
    decide,
    insert_submission,
    last_approval,
    void_approval,
)
from ledger.audit_log import Operator, campaign_target, record_action
from ledger.budgets.changes import lock_budgets, require_prices, set_budget
from ledger.campaign_settings import read_points, read_settings, write_points, write_settings
from ledger.campaigns import Campaign, CampaignError, change_state_in, find_in
from ledger.plans.digest import Stamp, read_stamp
from ledger.plans.plan import Contents, read_contents
from ledger.store.commit_log import log_after_commit
from ledger.store.database import Ledger

_ENDED = (CampaignState.CANCELLED, CampaignState.CLOSED)
_START_ONLY = ("start_at", "canary")
"""Settings that have no effect once the campaign has started."""


class ApprovalError(CampaignError):
    """The campaign cannot be submitted, approved or rejected; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A change of settings."""

    campaign: Campaign
    before: str
    """The settings that changed, as they were; "" if none did."""
    after: str
    voided: bool
    """It was submitted or approved, and is a draft again."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """A submission."""

    contents: Contents
    campaign: Campaign
    excess: str
    """Why a second person must approve; "": it is scheduled at once."""


def set_campaign(
    ledger: Ledger,
    name: str,
    given: GivenSettings,
    operator: Operator,
    *,
    zone: str,
    points: Mapping[str, int] | None = None,
) -> Changed:
    """Change a campaign's settings and expected points; one that was submitted is a draft again.

    Args:
        ledger: the record.
        name: the campaign's name.
        given: the settings to change.
        operator: the operator and the reason.
        zone: the IANA zone of times if neither the change nor the campaign names one.
        points: expected points of one unit in thousandths, by the reward's key.

    Raises:
        CampaignError: there is no such campaign, or its state does not allow the change.
        BudgetError: the budget is below what is used of it, or the points of a reward are not
            known.
        ExplainedError: a value is wrong.
    """
    with ledger.write() as connection:
        if points or given.has_budget:
            lock_budgets(connection)
        campaign = find_in(connection, name, for_update=True)
        settings = read_settings(connection, campaign.id)
        wanted = given.applied_to(settings, zone)
        before, after = settings.changes(wanted)
        changed = _changed_points(connection, campaign.id, points or {})
        if changed:
            after = ", ".join(filter(None, (after, _describe_points(changed))))
        if not after:
            return Changed(campaign, "", "", voided=False)
        _check_change(connection, campaign, settings, wanted, changed)
        write_points(connection, campaign.id, changed)
        set_budget(connection, campaign.id, _budget(wanted), is_repriced=bool(changed))
        write_settings(connection, campaign.id, settings, wanted)
        log_after_commit(
            connection,
            "campaign_settings_changed",
            campaign=campaign.name,
            operator=operator.name,
            before=before,
            after=after,
        )
        target = campaign_target(campaign.name)
        record_action(connection, operator, verb="set", target=target, before=before, after=after)
        if campaign.state in VOIDABLE:
            void_approval(connection, campaign.id, campaign.name, operator, f"set {after}")
        found = find_in(connection, campaign.name)
        return Changed(found, before, after, voided=campaign.state in VOIDABLE)


def _changed_points(
    connection: Connection, campaign_id: int, points: Mapping[str, int]
) -> dict[str, int]:
    known = read_points(connection, campaign_id) if points else {}
    return {reward: each for reward, each in points.items() if known.get(reward) != each}


def _describe_points(points: Mapping[str, int]) -> str:
    return ", ".join(f"points of {reward} {as_points(each)}" for reward, each in points.items())


def _check_change(
    connection: Connection,
    campaign: Campaign,
    before: CampaignSettings,
    after: CampaignSettings,
    points: Mapping[str, int],
) -> None:
    if campaign.state in NOT_STARTED:
        return
    if campaign.state in _ENDED:
        raise CampaignError(
            f"Campaign {campaign.name} is {campaign.state}: its settings have no effect any more"
        )
    for name in _START_ONLY:
        if getattr(before, name) != getattr(after, name):
            raise CampaignError(
                f"Campaign {campaign.name} is {campaign.state}: {name.replace('_', '-')} has an "
                "effect only before it starts"
            )
    found = [*loosened(before, after), *(["points"] if points else [])]
    if not found:
        return
    approval = last_approval(connection, campaign.id)
    if approval is not None and approval.decision == APPROVED:
        raise CampaignError(
            f"{approval.decided_by} approved {campaign.name} with its {' and '.join(found)}, which "
            "cannot be raised, changed or taken away while it runs: cancel it, and submit what is "
            "left as another campaign"
        )


def submit_campaign(
    ledger: Ledger, name: str, operator: Operator, policy: ApprovalPolicy
) -> Submitted:
    """Submit a draft: to a second person where the policy asks for one, else for its start.

    Raises:
        BudgetError: its budget is of points, and those of a reward are not known.
        CampaignError: there is no such campaign, it is no draft, it is empty, or it was
            changed meanwhile.
    """
    contents = _read(ledger, name)
    if not contents.lines:
        raise ApprovalError(
            f"Campaign {contents.campaign.name} has no lines: issuance blast FILE --campaign "
            f"{contents.campaign.name} --draft adds some"
        )
    excess = policy.excess(contents.units, contents.points)
    with ledger.write() as connection:
        campaign = _locked(connection, contents)
        require_prices(connection, campaign.id, _budget(contents.settings))
        note = _clean(operator.note)
        detail = f"digest {contents.digest}"
        if excess:
            if campaign.state is CampaignState.DRAFT:
                insert_submission(connection, campaign.id, contents.digest, operator, note)
            changed = change_state_in(connection, campaign, operator, Act.SUBMIT, detail=detail)
        else:
            changed = change_state_in(connection, campaign, operator, Act.SCHEDULE, detail=detail)
        return Submitted(contents, changed, excess)


def approve_campaign(ledger: Ledger, name: str, digest: str, operator: Operator) -> Campaign:
    """Approve what another person submitted, if it still has this digest.

    Raises:
        CampaignError: there is no such campaign, it waits for no approval, or it was changed
            meanwhile.
        ApprovalError: the operator submitted it, or the digest is another one.
    """
    contents = _read(ledger, name)
    given = digest.strip().lower()
    with ledger.write() as connection:
        campaign = _locked(connection, contents)
        approval = _waiting(connection, campaign, Act.APPROVE)
        if approval.submitted_by == operator.name:
            raise ApprovalError(
                f"{operator.name} submitted {campaign.name}: another person must approve it"
            )
        if given != contents.digest:
            raise ApprovalError(
                f"digest {digest!r} is not that of {campaign.name}, which is {contents.digest}: "
                f"read `issuance campaign plan {campaign.name}`, and give its digest"
            )
        if approval.digest != contents.digest:
            raise ApprovalError(
                f"{campaign.name} is not what {approval.submitted_by} submitted, which has the "
                f"digest {approval.digest}: reject it, so that it is submitted again"
            )
        decide(connection, approval.id, APPROVED, operator, _clean(operator.note))
        detail = f"digest {contents.digest}"
        return change_state_in(connection, campaign, operator, Act.APPROVE, detail=detail)


def reject_campaign(ledger: Ledger, name: str, operator: Operator) -> Campaign:
    """Make a submitted campaign a draft again, with the reason.

    Raises:
        CampaignError: there is no such campaign, or it waits for no approval.
    """
    if not operator.note.strip():
        raise ApprovalError("note: it is empty. Say with --note what must be mended")
    with ledger.write() as connection:
        campaign = find_in(connection, name, for_update=True)
        approval = _waiting(connection, campaign, Act.REJECT)
        decide(connection, approval.id, REJECTED, operator, _clean(operator.note))
        return change_state_in(connection, campaign, operator, Act.REJECT)


def _budget(settings: CampaignSettings) -> Budget:
    return Budget(settings.budget_units, settings.budget_points)


def _read(ledger: Ledger, name: str) -> Contents:
    with ledger.read() as connection:
        return read_contents(connection, find_in(connection, name))


def _locked(connection: Connection, contents: Contents) -> Campaign:
    """Lock a campaign, and make sure that it is still what was read."""
    campaign = find_in(connection, contents.campaign.name, for_update=True)
    stamp: Stamp = read_stamp(connection, campaign)
    if stamp != contents.stamp:
        raise ApprovalError(
            f"{campaign.name} was changed while it was read: read `issuance campaign plan "
            f"{campaign.name}`, and run this again"
        )
    return campaign


def _waiting(connection: Connection, campaign: Campaign, act: Act) -> Approval:
    """Return the submission that waits for a decision."""
    approval = last_approval(connection, campaign.id)
    is_waiting = campaign.state is CampaignState.AWAITING_APPROVAL
    if not is_waiting or approval is None or approval.decision is not None:
        raise ApprovalError(
            f"Campaign {campaign.name} is {campaign.state.replace('_', ' ')}: it cannot be {act}"
        )
    return approval


def _clean(note: str) -> str:
    return printable(hide_identifiers(note))
