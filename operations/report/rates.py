"""Which rate was allowed over time, as far as the audit log has it. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger.audit_log import AuditEntry
from operations.formats import iso

SET = "set limit done"
"""The verb of an entry that says that an account's rate was set."""
_RATE = re.compile(r"([\d,]+) calls? a minute")
_CAMPAIGN_RATE = re.compile(r"\brate (none|(\d+)/min)")


def account_rates(entries: Sequence[AuditEntry], begin: str) -> list[dict[str, Any]]:
    """Return the account's rate from `begin` on, with each change; null: not known, or unlimited.

    Args:
        entries: when the rate was set, oldest first; the first one may be before `begin`.
        begin: the beginning of the time, in ISO 8601.
    """
    if not entries:
        return []
    changes = [(iso(entry.at) or "", entry.after) for entry in entries]
    if changes[0][0] > begin:
        changes.insert(0, (begin, entries[0].before))
    return [{"at": max(at, begin), "perMinute": _rate(text)} for at, text in changes]


def _rate(text: str) -> int | None:
    found = _RATE.fullmatch(text)
    return int(found[1].replace(",", "")) if found else None


def campaign_rates(statement: Mapping[str, Any], begin: str) -> list[dict[str, Any]]:
    """Return the campaign's own rate from `begin` on, with each change; null: it had none."""
    changes = list(_changes(statement["acts"]))
    last = statement["campaign"]["settings"].get("ratePerMinute")
    first = last if not changes else changes[0][1]
    found = [{"at": begin, "perMinute": first}]
    for at, _, rate in changes:
        if at <= begin:
            found = [{"at": begin, "perMinute": rate}]
        else:
            found.append({"at": at, "perMinute": rate})
    return [] if all(each["perMinute"] is None for each in found) else found


def _changes(acts: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int | None, int | None]]:
    for act in acts:
        before, after = (_CAMPAIGN_RATE.search(act[name]) for name in ("before", "after"))
        if act["verb"] == "set" and before and after:
            yield act["at"], *(int(each[2]) if each[2] else None for each in (before, after))
