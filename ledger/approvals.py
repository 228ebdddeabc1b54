"""Approvals: a campaign is submitted by one person and approved by another, for one digest."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import Connection, Row, insert, select, update

from issuance.states import CampaignState
from ledger.audit_log import Operator, campaign_target, record_action
from ledger.store.clock import instant, now_ms
from ledger.store.commit_log import log_after_commit
from ledger.store.schema import approvals, campaigns

APPROVED: Final = "approved"
REJECTED: Final = "rejected"
VOID: Final = "void"
VOIDABLE: Final = (CampaignState.AWAITING_APPROVAL, CampaignState.SCHEDULED)
"""The states in which any change makes the campaign a draft again."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A submission, and what was decided about it."""

    id: int
    digest: str
    submitted_at: datetime
    submitted_by: str
    submit_note: str
    decided_at: datetime | None
    decided_by: str | None
    decision: str | None
    """approved, rejected or void; None: it waits."""
    note: str


def last_approval(connection: Connection, campaign_id: int) -> Approval | None:
    """Return the campaign's last submission; None: it was never submitted to a second person."""
    query = select(approvals).where(approvals.c.campaign_id == campaign_id)
    row = connection.execute(query.order_by(approvals.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else approval_of(row)


def approval_of(row: Row[Any]) -> Approval:
    """Read a row of the table."""
    return Approval(
        row.id,
        row.digest,
        cast("datetime", instant(row.submitted_at)),
        row.submitted_by,
        row.submit_note,
        instant(row.decided_at),
        row.decided_by,
        row.decision,
        row.note,
    )


def insert_submission(
    connection: Connection, campaign_id: int, digest: str, operator: Operator, note: str
) -> None:
    """Store that a campaign waits for a second person."""
    values = {"campaign_id": campaign_id, "digest": digest, "submitted_at": now_ms()}
    values |= {"submitted_by": operator.name, "submit_note": note}
    connection.execute(insert(approvals).values(values))


def decide(
    connection: Connection, approval_id: int, decision: str, operator: Operator, note: str
) -> None:
    """Store what was decided about a submission."""
    values = {"decision": decision, "decided_at": now_ms(), "decided_by": operator.name}
    connection.execute(
        update(approvals).where(approvals.c.id == approval_id).values(note=note, **values)
    )


def void_approval(
    connection: Connection, campaign_id: int, name: str, operator: Operator, because: str
) -> None:
    """Make a submitted or scheduled campaign a draft again, as the last step of a transaction.

    The transaction has locked the campaign.
    """
    changed = (
        update(campaigns)
        .where(campaigns.c.id == campaign_id, campaigns.c.state.in_(VOIDABLE))
        .values(state=CampaignState.DRAFT)
    )
    if connection.execute(changed).rowcount == 0:
        return
    standing = (approvals.c.campaign_id == campaign_id, approvals.c.decision.is_distinct_from(VOID))
    last = select(approvals.c.id).where(*standing).order_by(approvals.c.id.desc()).limit(1)
    found = connection.scalar(last.where(approvals.c.decision.is_distinct_from(REJECTED)))
    if found is not None:
        connection.execute(
            update(approvals).where(approvals.c.id == found).values(decision=VOID, note=because)
        )
    log_after_commit(
        connection, "campaign_approval_void", campaign=name, operator=operator.name, because=because
    )
    record_action(
        connection,
        operator,
        verb="void",
        target=campaign_target(name),
        before="submitted or scheduled",
        after=f"draft: {because}",
    )
