"""Reading the audit log: the newest entries first, page by page."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select

from ledger.audit_log import ENTRY, AuditEntry, entry_of
from ledger.store.database import Ledger
from ledger.store.schema import audit_log


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are wanted; None: any."""

    since_ms: int | None = None
    """Not older than this, in ms since 1970."""
    until_ms: int | None = None
    """Older than this."""
    subject: str | None = None
    """The subject, or the name it claimed."""
    target: str | None = None
    verb: str | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of entries, the newest first."""

    entries: list[AuditEntry]
    total: int
    """How many entries fit, on all pages."""
    has_more: bool
    """Whether there are older ones: the next page is before the id of this page's last."""


def read_audit_page(
    ledger: Ledger, chosen: AuditFilter, *, limit: int, before: int | None = None
) -> AuditPage:
    """Read a page of the entries that fit.

    Args:
        ledger: the record.
        chosen: which entries.
        limit: how many at most, from 1.
        before: only entries with a smaller id; None: from the newest on.
    """
    fits = _conditions(chosen)
    page = select(*ENTRY).where(*fits).order_by(audit_log.c.id.desc()).limit(limit + 1)
    if before is not None:
        page = page.where(audit_log.c.id < before)
    with ledger.read() as connection:
        entries = [entry_of(row) for row in connection.execute(page)]
        total = connection.scalar(select(func.count()).select_from(audit_log).where(*fits)) or 0
    return AuditPage(entries[:limit], total, len(entries) > limit)


def _conditions(chosen: AuditFilter) -> list[ColumnElement[bool]]:
    columns, conditions = audit_log.c, []
    if chosen.since_ms is not None:
        conditions.append(columns.at >= chosen.since_ms)
    if chosen.until_ms is not None:
        conditions.append(columns.at < chosen.until_ms)
    if chosen.subject is not None:
        conditions.append(or_(columns.subject == chosen.subject, columns.claimed == chosen.subject))
    if chosen.target is not None:
        conditions.append(columns.target == chosen.target)
    if chosen.verb is not None:
        conditions.append(columns.verb == chosen.verb)
    return conditions
