"""The audit log: acts on campaigns, dead letters, lines, limits and ledger, with their operators.

Entries are chained, and each is written in the transaction of its effect. Writers take turns at the
head of the chain, so recording is the last thing that a transaction does: it waits for no other
lock while it holds this one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, select

from issuance.derived_keys import Purpose
from issuance.display import printable
from issuance.masking import hide_identifiers
from ledger.audit_chain import GENESIS, Content, entry_mac, head_seal
from ledger.store.clock import instant, now_ms
from ledger.store.database import Ledger
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import audit_head, audit_log
from ledger.store.secret import keys_within

LINE = "line:"
"""The prefix of a line's target."""
LETTER = "letter:"
"""The prefix of a dead letter's target."""
REDRIVE = "redrive:"
"""The prefix of a mass action on dead letters."""
CAMPAIGN = "campaign:"
"""The prefix of a campaign's target."""
LEDGER = "ledger"
"""The target of acts on the whole ledger."""
CHAIN_BROKEN = "chain broken"
"""The verb of an entry that says that the head did not fit the log when it was written."""
COLUMNS = (*Content._fields, "mac")


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator, with the way in, and the reason given for an action."""

    name: str
    """The subject: the system's user on the console."""
    note: str = ""
    uid: int | None = None
    """The system's number of the user; None if the subject is not one."""
    host: str = ""
    way: str = "console"
    """The way in: console, web, http, python or system."""
    claimed: str = ""
    """The name in `ISSUANCE_OPERATOR`: recorded next to the real one, and never believed."""


SYSTEM = Operator("system", way="system")
"""The program itself, where no operator acts."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the audit log."""

    id: int
    at: datetime
    subject: str
    uid: int | None
    host: str
    way: str
    claimed: str
    verb: str
    target: str
    before: str
    after: str
    reason: str


def record_action(
    connection: Connection,
    operator: Operator,
    *,
    verb: str,
    target: str,
    before: str = "",
    after: str = "",
) -> None:
    """Record an action in the transaction that carries it out, as its last step.

    Args:
        connection: the transaction.
        operator: the operator and the reason, in which identifiers are masked: an entry can never
            be erased.
        verb: at most 32 characters.
        target: `campaign:NAME`, `letter:ID`, `line:REQUEST_ID`, `account:NAME`, `customer` or
            `ledger`.
        before: the state, weight or limit before it.
        after: the same after it.
    """
    record_actions(connection, operator, verb=verb, targets=[target], before=before, after=after)


def record_actions(
    connection: Connection,
    operator: Operator,
    *,
    verb: str,
    targets: Sequence[str],
    before: str = "",
    after: str = "",
) -> None:
    """Record one action on many targets; otherwise as `record_action`."""
    if not targets:
        return
    # Escaped, because a database refuses some characters, and a terminal obeys others.
    reason = printable(hide_identifiers(operator.note))
    claimed = printable(operator.claimed)
    by = (operator.name, operator.uid, operator.host, operator.way, claimed)
    change = (printable(before), printable(after), reason)
    _append(connection, [_Draft(*by, verb, each, *change) for each in targets])


def migration_record(operator: Operator) -> Callable[[Connection, str, str], None]:
    """Return the function with which `Ledger.migrate` records an upgrade of the schema."""

    def record(connection: Connection, before: str, after: str) -> None:
        record_action(
            connection, operator, verb="migrate", target=LEDGER, before=before, after=after
        )

    return record


def account_target(name: str) -> str:
    """Return the target of actions on an API account."""
    return f"account:{name}"


def letter_target(letter_id: int) -> str:
    """Return the target of actions on a dead letter."""
    return f"{LETTER}{letter_id}"


def campaign_target(name: str) -> str:
    """Return the target of actions on a campaign."""
    return f"{CAMPAIGN}{name}"


def line_target(request_id: str) -> str:
    """Return the target of actions on a line."""
    return f"{LINE}{request_id}"


class _Draft(NamedTuple):
    """An entry without its place in the chain."""

    subject: str
    uid: int | None
    host: str
    way: str
    claimed: str
    verb: str
    target: str
    before: str
    after: str
    reason: str


class _Head(NamedTuple):
    """The end of the chain."""

    entries: int
    mac: bytes


def _append(connection: Connection, drafts: Sequence[_Draft]) -> None:
    key = keys_within(connection)[Purpose.AUDIT]
    head, broken = _lock_head(connection, key)
    at = connection.scalar(select(now_ms())) or 0
    number, mac = head
    rows = []
    for draft in (*broken, *drafts):
        number += 1
        content = Content(number, at, *draft)
        mac = entry_mac(key, mac, content)
        rows.append((*content, mac))
    dialect = dialect_of(connection)
    dialect.insert_rows(connection, audit_log.name, COLUMNS, rows)
    sealed = {"entries": number, "mac": mac, "seal": head_seal(key, number, mac)}
    connection.execute(dialect.upsert(audit_head, {"id": 1} | sealed, keys=["id"], changes=sealed))


def _lock_head(connection: Connection, key: bytes) -> tuple[_Head, tuple[_Draft, ...]]:
    """Wait for the turn of this transaction, and return the end of the chain.

    If the head does not fit the log, an entry that says so comes first: an operator must be able to
    act, and nothing that was removed may go unnoticed.
    """
    stored = connection.execute(select(audit_head).with_for_update()).one_or_none()
    # A statement of its own: it sees what was committed while the first one waited.
    last = connection.execute(_LAST).one_or_none()
    count, mac = (last.id, bytes(last.mac)) if last is not None else (0, GENESIS)
    if stored is None:
        return _Head(count, mac), (_broken(f"the head is missing, the log has {count} entries"),)
    head = _Head(stored.entries, bytes(stored.mac))
    if bytes(stored.seal) != head_seal(key, *head):
        what = "the head was changed, or sealed with another secret"
    elif head.entries > count:
        return head, (_broken(f"entries {count + 1} to {head.entries} are missing"),)
    elif head != (count, mac):
        what = f"the head is of {head.entries} entries, the log has {count}"
    else:
        return head, ()
    return max(head, _Head(count, mac), key=lambda end: end.entries), (_broken(what),)


_LAST = select(audit_log.c.id, audit_log.c.mac).order_by(audit_log.c.id.desc()).limit(1)


def _broken(reason: str) -> _Draft:
    by = (SYSTEM.name, SYSTEM.uid, SYSTEM.host, SYSTEM.way, SYSTEM.claimed)
    return _Draft(*by, CHAIN_BROKEN, "audit log", "", "", reason)


def actions_on(ledger: Ledger, target: str) -> list[AuditEntry]:
    """Return the actions on a target, oldest first; targets: see `record_action`."""
    with ledger.read() as connection:
        return actions_in(connection, target)


def actions_in(connection: Connection, target: str) -> list[AuditEntry]:
    """Return the same as `actions_on`, within a transaction."""
    query = select(*ENTRY).where(audit_log.c.target == target).order_by(audit_log.c.id)
    return [entry_of(row) for row in connection.execute(query)]


ENTRY = tuple(audit_log.c[name] for name in Content._fields)
"""The columns of an `AuditEntry`."""


def entry_of(row: Any) -> AuditEntry:
    """Make an entry of a row of `ENTRY`."""
    number, at, *rest = row
    return AuditEntry(number, cast("datetime", instant(at)), *rest)
