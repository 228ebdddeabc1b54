"""Submissions of campaigns to a second person: those that wait, and those that were decided."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from issuance.states import CampaignState
from ledger.approvals import Approval, approval_of
from ledger.store.database import Ledger
from ledger.store.schema import approvals, campaigns


@dataclass(frozen=True, slots=True)
class Submission:
    """A campaign that was submitted, with its size now."""

    campaign: str
    lines: int
    units: int
    approval: Approval


@dataclass(frozen=True, slots=True)
class SubmissionPage:
    """A page of submissions, the newest first."""

    submissions: list[Submission]
    total: int
    before: int | None
    """Older ones are those before this id; None: there are none."""


def waiting_submissions(ledger: Ledger, *, limit: int, before: int | None = None) -> SubmissionPage:
    """Return the submissions that wait for a decision."""
    waits = (
        approvals.c.decision.is_(None),
        campaigns.c.state == CampaignState.AWAITING_APPROVAL,
    )
    return _page(ledger, waits, limit, before)


def submissions_of(
    ledger: Ledger, person: str, *, limit: int, before: int | None = None
) -> SubmissionPage:
    """Return what a person submitted, decided or not."""
    return _page(ledger, (approvals.c.submitted_by == person,), limit, before)


def decided_submissions(ledger: Ledger, *, limit: int, before: int | None = None) -> SubmissionPage:
    """Return the submissions that were approved, rejected or made void."""
    return _page(ledger, (approvals.c.decision.is_not(None),), limit, before)


def _page(
    ledger: Ledger, conditions: tuple[ColumnElement[bool], ...], limit: int, before: int | None
) -> SubmissionPage:
    found = _with_campaigns(select(approvals, *_OF_CAMPAIGN)).where(*conditions)
    newest = found.order_by(approvals.c.id.desc()).limit(limit + 1)
    if before is not None:
        newest = newest.where(approvals.c.id < before)
    counted = _with_campaigns(select(func.count())).where(*conditions)
    with ledger.read() as connection:
        rows = [
            Submission(row.campaign, row.lines, row.units, approval_of(row))
            for row in connection.execute(newest)
        ]
        total = connection.scalar(counted) or 0
    shown = rows[:limit]
    return SubmissionPage(shown, total, shown[-1].approval.id if len(rows) > limit else None)


_OF_CAMPAIGN = (
    campaigns.c.name.label("campaign"),
    campaigns.c.accepted_lines.label("lines"),
    campaigns.c.requested_units.label("units"),
)


def _with_campaigns(query: Select[Any]) -> Select[Any]:
    return query.select_from(approvals.join(campaigns, campaigns.c.id == approvals.c.campaign_id))
