"""Verification of the audit log: every entry's MAC, the order of all, and the head."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from issuance.derived_keys import Purpose
from ledger.audit_chain import GENESIS, Content, entry_mac, head_seal
from ledger.audit_log import CHAIN_BROKEN
from ledger.store.database import Ledger
from ledger.store.schema import audit_head

_PAGE = 10_000
_VERB = Content._fields.index("verb")
_REASON = Content._fields.index("reason")
# In quotes, because `before` and `after` are words of SQL.
_COLUMNS = ", ".join(f'"{name}"' for name in (*Content._fields, "mac"))
_SELECT = f"SELECT {_COLUMNS} FROM audit_log"  # noqa: S608  # our names


class Flaw(StrEnum):
    """What is wrong with an entry."""

    CHANGED = "changed"
    """Its content or MAC was changed, it was inserted, or another secret is in use."""
    MISPLACED = "misplaced"
    """It is genuine, and belongs to another place."""
    MISSING = "missing"
    """It, and perhaps more after it, was removed."""
    HEAD = "head"
    """The head does not fit the log, which ends here."""
    RECORDED = "recorded"
    """The entry itself says that the log was broken when it was written."""
    NOTED = "noted"
    """It is not the one that was noted as the head."""


class NotedHead(NamedTuple):
    """A head that was noted elsewhere, written as `ENTRIES:MAC`."""

    entries: int
    mac: bytes

    def __str__(self) -> str:
        return f"{self.entries}:{self.mac.hex()}"

    @classmethod
    def parse(cls, text: str) -> "NotedHead":
        """Read what `str` writes.

        Raises:
            ValueError: it is something else.
        """
        entries, _, mac = text.strip().partition(":")
        if not (entries.isascii() and entries.isdecimal() and len(mac) == 2 * len(GENESIS)):
            raise ValueError(f"{text!r} is no head: give it as `audit verify` prints it")
        return cls(int(entries), bytes.fromhex(mac))


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of verifying the whole log."""

    entries: int
    """How many entries are unbroken, from the first on."""
    head: NotedHead
    """The last of them."""
    broken_id: int | None = None
    """The first broken entry; None: there is none."""
    flaw: Flaw | None = None
    problem: str = ""
    """What is wrong, in words."""


class _Found(NamedTuple):
    id: int
    flaw: Flaw
    problem: str


def verify_audit_log(ledger: Ledger, noted: NotedHead | None = None) -> Verification:
    """Verify the audit log from its first entry to its head, as it is at one moment.

    Args:
        ledger: the record.
        noted: a head that was noted before; the log must still have it in its place.

    Raises:
        LedgerError: the ledger has lost its secret.
    """
    key = ledger.key(Purpose.AUDIT)
    with ledger.read() as connection:
        chain = _Chain(key, noted)
        found = chain.follow(connection) or chain.check_head(connection)
    flaw = {} if found is None else found._asdict()
    return Verification(
        chain.entries,
        NotedHead(chain.entries, chain.mac),
        flaw.get("id"),
        flaw.get("flaw"),
        flaw.get("problem", ""),
    )


class _Chain:
    """The chain as far as it is verified."""

    def __init__(self, key: bytes, noted: NotedHead | None) -> None:
        self._key = key
        self._noted = noted
        self.entries = 0
        self.mac = GENESIS

    def follow(self, connection: Connection) -> _Found | None:
        """Verify entry after entry; returns the first broken one."""
        key, noted = self._key, self._noted
        mac = GENESIS
        if noted is not None and noted.entries == 0 and noted.mac != GENESIS:
            return _Found(0, Flaw.NOTED, "the noted head is none of an empty log")
        for number, row in enumerate(_rows(connection), 1):
            content, stored = row[:-1], row[-1]
            if row[0] != number:
                return _missing(number, row[0] - 1)
            mac = entry_mac(key, mac, content)
            if mac != stored:
                return self._explain(connection, content, stored)
            self.entries, self.mac = number, mac
            if row[_VERB] == CHAIN_BROKEN:
                return _Found(number, Flaw.RECORDED, row[_REASON])
            if noted is not None and noted.entries == number and noted.mac != mac:
                return _Found(number, Flaw.NOTED, "it is not the entry that was noted as the head")
        return None

    def _explain(self, connection: Connection, content: Any, stored: bytes) -> _Found:
        """Say whether a broken entry is genuine, but of another place."""
        number = content[0]
        for row in _rows(connection):
            # An entry's place is its id and the entry before it.
            moved = (row[0] + 1, *content[1:])
            if entry_mac(self._key, row[-1], moved) == stored:
                what = f"it is entry {row[0] + 1} in the place of entry {number}"
                return _Found(number, Flaw.MISPLACED, what)
        if entry_mac(self._key, GENESIS, (1, *content[1:])) == stored:
            return _Found(number, Flaw.MISPLACED, f"it is entry 1 in the place of entry {number}")
        what = "its content was changed, the entry before it is gone, or the secret is another one"
        return _Found(number, Flaw.CHANGED, what)

    def check_head(self, connection: Connection) -> _Found | None:
        """Compare the end of the chain with the head, and with the noted one."""
        head = connection.execute(select(audit_head)).one_or_none()
        after = self.entries + 1
        if self._noted is not None and self._noted.entries > self.entries:
            return _missing(after, self._noted.entries)
        if head is None:
            return _Found(after, Flaw.HEAD, "the head is missing, so entries may be from here on")
        if bytes(head.seal) != head_seal(self._key, head.entries, bytes(head.mac)):
            return _Found(
                after, Flaw.HEAD, "the head was changed, so entries may be missing from here on"
            )
        if head.entries > self.entries:
            return _missing(after, head.entries)
        if (head.entries, bytes(head.mac)) != (self.entries, self.mac):
            what = f"the head is an older one, of {head.entries} entries"
            return _Found(after, Flaw.HEAD, what)
        return None


def _missing(first: int, last: int) -> _Found:
    what = (
        f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"
    )
    return _Found(first, Flaw.MISSING, what)


def _rows(connection: Connection) -> Iterator[Any]:
    """Read all entries in order as the driver's rows: objects would cost more than the MACs."""
    after = -1
    while True:
        query = f"{_SELECT} WHERE id > {after:d} ORDER BY id LIMIT {_PAGE}"
        cursor: Any = connection.exec_driver_sql(query).cursor
        page = cursor.fetchall()
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1][0]
