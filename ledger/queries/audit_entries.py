"""Reading the audit log: the newest entries first, page by page."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    case,
    cast,
    exists,
    func,
    or_,
    select,
)

from ledger.audit_log import (
    CAMPAIGN,
    ENTRY,
    LETTER,
    LINE,
    AuditEntry,
    campaign_target,
    entry_of,
    letter_target,
    line_target,
)
from ledger.store.database import Ledger
from ledger.store.schema import audit_log, campaigns, dead_letters, lines

_AT_ONCE = 500


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
    campaign: str | None = None
    """The name of a campaign in the ledger: acts on it, its lines and its dead letters."""
    after_id: int = 0
    """Only entries with a greater id."""


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of entries, the newest first."""

    entries: list[AuditEntry]
    total: int
    """How many entries fit, on all pages."""
    has_more: bool
    """Whether there are older ones: the next page is before the id of this page's last."""


def read_audit_page(
    ledger: Ledger,
    chosen: AuditFilter,
    *,
    limit: int,
    before: int | None = None,
    count: bool = True,
) -> AuditPage:
    """Read a page of the entries that fit.

    Args:
        ledger: the record.
        chosen: which entries.
        limit: how many at most, from 1.
        before: only entries with a smaller id; None: from the newest on.
        count: whether to count all entries that fit; otherwise the total is 0.
    """
    fits = _conditions(chosen)
    page = select(*ENTRY).where(*fits).order_by(audit_log.c.id.desc()).limit(limit + 1)
    if before is not None:
        page = page.where(audit_log.c.id < before)
    with ledger.read() as connection:
        entries = [entry_of(row) for row in connection.execute(page)]
        counted = select(func.count()).select_from(audit_log).where(*fits)
        total = (connection.scalar(counted) or 0) if count else 0
    return AuditPage(entries[:limit], total, len(entries) > limit)


def newest_entry(ledger: Ledger) -> int:
    """Return the id of the newest entry, which is how many there are; 0: none."""
    with ledger.read() as connection:
        return connection.scalar(select(func.max(audit_log.c.id))) or 0


def _conditions(chosen: AuditFilter) -> list[ColumnElement[bool]]:
    columns = audit_log.c
    conditions: list[ColumnElement[bool]] = (
        [columns.id > chosen.after_id] if chosen.after_id else []
    )
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
    if chosen.campaign is not None:
        conditions.append(_concerns(chosen.campaign))
    return conditions


def _concerns(campaign: str) -> ColumnElement[bool]:
    """Whether an entry is about a campaign, or something of it that is still in the ledger."""
    campaign_id = select(campaigns.c.id).where(campaigns.c.name == campaign).scalar_subquery()
    target = audit_log.c.target
    return or_(
        target == campaign_target(campaign),
        exists().where(
            dead_letters.c.id == cast(_after(target, LETTER), BigInteger),
            dead_letters.c.campaign_id == campaign_id,
        ),
        exists().where(
            lines.c.request_id == _after(target, LINE), lines.c.campaign_id == campaign_id
        ),
    )


def _after(target: Column[str], prefix: str) -> ColumnElement[str]:
    """Return the rest of a target with this prefix; of others null, so that no cast fails."""
    rest = func.substr(target, len(prefix) + 1)
    return case((func.substr(target, 1, len(prefix)) == prefix, rest))


def campaigns_of_targets(ledger: Ledger, targets: Collection[str]) -> dict[str, str]:
    """Return the names of the campaigns that targets belong to; pruned ones are left out."""
    found = {
        target: target.removeprefix(CAMPAIGN) for target in targets if target.startswith(CAMPAIGN)
    }
    letters = [int(rest) for rest in _rests(targets, LETTER) if rest.isdecimal()]
    request_ids = _rests(targets, LINE)
    with ledger.read() as connection:
        found |= {
            letter_target(number): name
            for number, name in _names(connection, dead_letters.c.id, letters)
        }
        found |= {
            line_target(request_id): name
            for request_id, name in _names(connection, lines.c.request_id, request_ids)
        }
    return found


def _rests(targets: Collection[str], prefix: str) -> list[str]:
    return sorted({each.removeprefix(prefix) for each in targets if each.startswith(prefix)})


def _names(
    connection: Connection, key: Column[Any], values: Sequence[Any]
) -> Iterator[tuple[Any, str]]:
    of_campaigns = key.table.join(campaigns, campaigns.c.id == key.table.c.campaign_id)
    query = select(key, campaigns.c.name).select_from(of_campaigns)
    for start in range(0, len(values), _AT_ONCE):
        some = values[start : start + _AT_ONCE]
        yield from map(tuple, connection.execute(query.where(key.in_(some))))


def entries_between(
    connection: Connection,
    target: str,
    verbs: Collection[str],
    from_ms: int,
    until_ms: int,
    *,
    limit: int,
) -> list[AuditEntry]:
    """Return a target's entries with these verbs in a time, ends included; oldest first."""
    columns = audit_log.c
    query = (
        select(*ENTRY)
        .where(columns.target == target, columns.verb.in_(verbs))
        .where(columns.at.between(from_ms, until_ms))
        .order_by(columns.id)
        .limit(limit)
    )
    return [entry_of(row) for row in connection.execute(query)]


def last_entry_before(
    connection: Connection, target: str, verb: str, before_ms: int
) -> AuditEntry | None:
    """Return the last entry of a target with this verb before a time."""
    columns = audit_log.c
    query = (
        select(*ENTRY)
        .where(columns.target == target, columns.verb == verb, columns.at < before_ms)
        .order_by(columns.id.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else entry_of(row)


def entry_with(ledger: Ledger, verb: str, part: str) -> AuditEntry | None:
    """Return the first entry with this verb whose `after` contains a text; reads the whole log."""
    query = (
        select(*ENTRY)
        .where(audit_log.c.verb == verb, audit_log.c.after.contains(part, autoescape=True))
        .order_by(audit_log.c.id)
        .limit(1)
    )
    with ledger.read() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else entry_of(row)
