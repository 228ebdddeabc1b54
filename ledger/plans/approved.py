"""Makes sure before a start that a campaign is still what was approved."""

from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.approvals import APPROVED, Approval, last_approval, void_approval
from ledger.audit_log import SYSTEM
from ledger.campaigns import Campaign, find_in
from ledger.plans.digest import read_stamp
from ledger.plans.plan import Contents, read_contents
from ledger.store.database import Ledger


@dataclass(frozen=True, slots=True)
class ApprovedContents:
    """A campaign as it is, and the approval that it has."""

    approval: Approval
    contents: Contents


def read_approved(ledger: Ledger, name: str) -> ApprovedContents | None:
    """Digest a campaign if a second person approved it; None: no approval was needed.

    It reads each body, about a second for a million jobs, and holds no lock meanwhile.
    """
    with ledger.read() as connection:
        campaign = find_in(connection, name)
        approval = _approval(connection, campaign)
        if approval is None:
            return None
        return ApprovedContents(approval, read_contents(connection, campaign))


def is_still_approved(
    connection: Connection, campaign: Campaign, found: ApprovedContents | None
) -> bool:
    """Whether a locked campaign may start; one that is not what was approved is a draft again.

    If it was changed since it was digested, it may not start now: the next round digests it again.
    """
    approval = _approval(connection, campaign)
    if approval is None or found is None:
        return approval is None and found is None
    if approval != found.approval or read_stamp(connection, campaign) != found.contents.stamp:
        return False
    if found.contents.digest == approval.digest:
        return True
    because = "it is not what was approved any more"
    void_approval(connection, campaign.id, campaign.name, SYSTEM, because)
    return False


def _approval(connection: Connection, campaign: Campaign) -> Approval | None:
    found = last_approval(connection, campaign.id)
    return found if found is not None and found.decision == APPROVED else None
