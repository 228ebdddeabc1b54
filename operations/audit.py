"""The audit log for operators: lists and verifies it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from ledger.audit_log import AuditEntry
from ledger.queries.audit_entries import AuditFilter, AuditPage, read_audit_page
from ledger.queries.audit_verification import NotedHead, Verification, verify_audit_log
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.errors import UsageError
from operations.formats import iso


def make_filter(
    *,
    since: str | None,
    until: str | None,
    user: str | None,
    target: str | None,
    verb: str | None,
    campaign: str | None = None,
) -> AuditFilter:
    """Return the filter for what an operator gives; times without a zone are UTC.

    A time may also be an age, such as `2h`.

    Raises:
        UsageError: a time is none.
    """
    return AuditFilter(_ms(since), _ms(until), user, target, verb, campaign)


_AGE = re.compile(r"(\d{1,6})(min|[hdm])", re.ASCII)
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days"}


def _ms(text: str | None) -> int | None:
    if text is None:
        return None
    if age := _AGE.fullmatch(text.strip()):
        ago = timedelta(**{_UNITS[age[2]]: int(age[1])})
        return round((datetime.now(UTC) - ago).timestamp() * 1000)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is no time: give a date or time such as 2026-11-29 or "
            "2026-11-29T18:30+05:30, or an age such as 30m, 2h or 7d"
        ) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return round(found.timestamp() * 1000)


def entry_json(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry for programs."""
    return {
        "id": entry.id,
        "at": iso(entry.at),
        "subject": entry.subject,
        "uid": entry.uid,
        "host": entry.host,
        "way": entry.way,
        "claimed": entry.claimed,
        "verb": entry.verb,
        "target": entry.target,
        "before": entry.before,
        "after": entry.after,
        "reason": entry.reason,
    }


def page_json(page: AuditPage) -> dict[str, Any]:
    """Return a page for programs; `before` asks for the next one, null after the last."""
    return {
        "entries": list(map(entry_json, page.entries)),
        "total": page.total,
        "before": page.entries[-1].id if page.has_more else None,
    }


@needs(Right.VIEW)
def list_entries(
    subject: Subject,
    ledger: Ledger,
    chosen: AuditFilter,
    *,
    limit: int,
    before: int | None = None,
) -> AuditPage:
    """Read a page of entries, the newest first; see `read_audit_page`."""
    return read_audit_page(ledger, chosen, limit=limit, before=before)


@needs(Right.VIEW)
def verify(subject: Subject, ledger: Ledger, head: str | None) -> Verification:
    """Verify the whole log, and that it still has a head that was noted before.

    Raises:
        UsageError: the head cannot be read.
        LedgerError: the ledger cannot be used.
    """
    try:
        noted = None if head is None else NotedHead.parse(head)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return verify_audit_log(ledger, noted)


def verification_json(found: Verification) -> dict[str, Any]:
    """Return a verification for programs."""
    return {
        "valid": found.flaw is None,
        "entries": found.entries,
        "head": str(found.head),
        "brokenId": found.broken_id,
        "flaw": found.flaw,
        "problem": found.problem or None,
    }
