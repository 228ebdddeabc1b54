"""The audit log for people."""

from collections.abc import Iterator

from ledger.audit_log import AuditEntry
from operations.formats import clock, one_line


def entries_text(count: int) -> str:
    """Write a count of entries: `1 entry`, `2,000 entries`."""
    return f"{count:,} {'entry' if count == 1 else 'entries'}"


def entry_lines(entry: AuditEntry) -> Iterator[str]:
    """An entry in two to four lines: what and when, by whom and how, the change, the reason."""
    name = entry.subject if entry.uid is None else f"{entry.subject} ({entry.uid})"
    claimed = f", claimed {one_line(entry.claimed)}" if entry.claimed else ""
    where = f" on {entry.host}" if entry.host else ""
    change = " → ".join(one_line(text) for text in (entry.before, entry.after) if text)
    yield f"{entry.id}  {clock(entry.at)}  {entry.verb} {one_line(entry.target)}"
    yield f"  by {name}{claimed}{where}, {entry.way}"
    if change:
        yield f"  {change}"
    if entry.reason:
        yield f"  reason: {one_line(entry.reason)}"
