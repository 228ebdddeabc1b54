"""A customer's lines as rows, and what an erasure does and leaves."""

from collections.abc import Iterator

from console.rendering.layout import aligned
from issuance.masking import mask, scrub
from ledger.queries.outcomes import LineRecord
from ledger.retention.erasure import Erased
from operations.customers import Erasure, Page
from operations.formats import clock, counted, one_line

_HEADINGS = ("state", "code", "units", "reward", "settled", "requestId")
_NUMBERS = (1, 2, 3)


def page_lines(page: Page, *, reveal: bool) -> Iterator[tuple[str, str]]:
    """Yield each row, and what follows it: the campaign with vouchers or message."""
    if not page.lines:
        return
    head, *rows = aligned([_HEADINGS, *map(_cells, page.lines)], right=_NUMBERS)
    yield head, "campaign · vouchers or message"
    for row, line in zip(rows, page.lines, strict=True):
        yield row, " · ".join(filter(None, (line.campaign, _shown(line, reveal=reveal))))


def _cells(line: LineRecord) -> tuple[str, ...]:
    return (
        line.state.value,
        "" if line.code is None else str(line.code),
        f"{'-' if line.quantity is None else line.quantity}/{line.requested_quantity}",
        one_line(str(line.reward)),
        clock(line.settled_at),
        line.request_id,
    )


def _shown(line: LineRecord, *, reveal: bool) -> str:
    revoked = "revoked: " if line.revoked_at else ""
    message = line.message or ""
    vouchers = " ".join(line.vouchers if reveal else map(mask, line.vouchers))
    return revoked + (vouchers or one_line(message if reveal else scrub(message, line.known)))


def erasure_lines(plan: Erased) -> Iterator[str]:
    """Say what an erasure would overwrite."""
    if not plan.jobs:
        yield "The ledger has no line of this customer."
        return
    yield f"To be erased: {counted(plan.jobs, 'job')} ({counted(plan.lines, 'line')})"
    if plan.open_letters:
        yield (
            f"  {counted(plan.open_letters, 'open dead letter')} among them: nothing of them can "
            "be resent or reissued afterwards"
        )


def remaining_lines(erasure: Erasure, *, vacuum: bool) -> Iterator[str]:
    """Say what may still name the customer."""
    if erasure.is_overwritten and not erasure.log_is_empty:
        yield (
            "The ledger's log (-wal) still holds earlier versions, because a process reads the "
            "ledger: run this again when that has ended."
        )
    if not erasure.is_overwritten:
        versions = (
            "VACUUM has freed the earlier versions of the rows, and new rows will overwrite them "
            "on the disk"
            if vacuum
            else "earlier versions of the rows, and samples in the planner's statistics, stay "
            "until VACUUM ANALYZE (--vacuum, or by itself)"
        )
        yield (
            f"PostgreSQL: {versions}. Its write-ahead log, standbys and archived logs keep them "
            "until they are recycled."
        )
    yield (
        "Not reached: backups, archives of `issuance prune`, exported and campaign files, errors "
        "files, logs, and the API itself."
    )
