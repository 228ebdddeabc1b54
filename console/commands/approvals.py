"""`issuance campaign approvals`: what waits for a second person, and what was decided."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic_core import to_json

from console.rendering.layout import say
from console.terminal import opened
from ledger.queries.submissions import Submission
from operations.approvals import Which, approvals_json, list_approvals
from operations.formats import counted, one_line, time_of_day


def approvals(
    which: Annotated[
        Which, typer.Argument(metavar="WHICH", help=f"Which: {', '.join(Which)}.")
    ] = Which.WAITING,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most this many.")] = 50,
    before: Annotated[
        int | None, typer.Option(help="Only those before this id.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
) -> None:
    """List campaigns that were submitted: those that wait, your own, or those that were decided."""
    with opened() as (subject, _, ledger):
        page = list_approvals(subject, ledger, which, limit=limit, before=before)
        if as_json:
            say(to_json(approvals_json(page)).decode())
            return
        if not page.submissions:
            say("None.")
        for submission in page.submissions:
            for line in _lines(submission):
                say(line)
        if page.before is not None:
            say(f"{len(page.submissions)} of {page.total:,}; older ones: --before {page.before}")


def _lines(submission: Submission) -> Iterator[str]:
    approval, now = submission.approval, datetime.now(UTC)
    yield (
        f"{submission.campaign}: {counted(submission.lines, 'line')}, "
        f"{counted(submission.units, 'unit')}"
    )
    note = f": {one_line(approval.submit_note)}" if approval.submit_note else ""
    at = time_of_day(approval.submitted_at, now)
    yield f"  submitted {at} by {one_line(approval.submitted_by)}{note}"
    if approval.decision is None:
        yield f"  waits: issuance campaign plan {submission.campaign}"
        return
    by = "" if approval.decided_by is None else f" by {one_line(approval.decided_by)}"
    when = "" if approval.decided_at is None else f" {time_of_day(approval.decided_at, now)}"
    note = f": {one_line(approval.note)}" if approval.note else ""
    yield f"  {approval.decision}{when}{by}{note}"
