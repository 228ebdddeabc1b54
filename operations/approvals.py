"""What waits for a second person, what a person submitted, and what was decided."""

from enum import StrEnum
from typing import Any, assert_never

from ledger.queries.submissions import (
    Submission,
    SubmissionPage,
    decided_submissions,
    submissions_of,
    waiting_submissions,
)
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.formats import iso


class Which(StrEnum):
    """Which submissions are wanted."""

    WAITING = "waiting"
    MINE = "mine"
    """Submitted by the subject."""
    DECIDED = "decided"


@needs(Right.VIEW)
def list_approvals(
    subject: Subject, ledger: Ledger, which: Which, *, limit: int, before: int | None = None
) -> SubmissionPage:
    """Read a page of submissions, the newest first.

    Args:
        subject: asks for it.
        ledger: the record.
        which: the kind.
        limit: how many at most, from 1.
        before: only those with a smaller id; None: from the newest on.
    """
    match which:
        case Which.WAITING:
            return waiting_submissions(ledger, limit=limit, before=before)
        case Which.MINE:
            return submissions_of(ledger, subject.identity.name, limit=limit, before=before)
        case Which.DECIDED:
            return decided_submissions(ledger, limit=limit, before=before)
        case _:
            assert_never(which)


def approvals_json(page: SubmissionPage) -> dict[str, Any]:
    """Return a page for programs; `before` asks for the next one, null after the last."""
    return {
        "approvals": list(map(_approval_json, page.submissions)),
        "total": page.total,
        "before": page.before,
    }


def _approval_json(submission: Submission) -> dict[str, Any]:
    approval = submission.approval
    return {
        "id": approval.id,
        "campaign": submission.campaign,
        "lines": submission.lines,
        "units": submission.units,
        "digest": approval.digest,
        "submittedBy": approval.submitted_by,
        "submittedAt": iso(approval.submitted_at),
        "submitNote": approval.submit_note or None,
        "decision": approval.decision,
        "decidedBy": approval.decided_by,
        "decidedAt": iso(approval.decided_at),
        "note": approval.note or None,
    }
