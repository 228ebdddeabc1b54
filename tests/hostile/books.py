"""The stub's record by requestId: the units really issued, and every call."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from tests.hostile.orders import Line, Order

_FIRST_CUSTOMER = 500_001
_FIRST_TRANSACTION = 300_001


@dataclass
class Entry:
    """The record of one requestId.

    Attributes:
        transaction_id: None until units are issued.
        calls: the time of each call, in seconds since 1970.
        bodies: digests of the bodies that were sent with it; more than one is an error.
    """

    request_id: str
    reference: str
    customer: str
    reward_id: str
    wanted: int
    transaction_id: int | None = None
    issued_at: float = 0.0
    vouchers: list[str] = field(default_factory=list)
    calls: list[float] = field(default_factory=list)
    bodies: set[str] = field(default_factory=set)

    def as_json(self) -> dict[str, Any]:
        """Return the entry for `GET /_books`."""
        return {
            "requestId": self.request_id,
            "transactionNumber": self.reference,
            "customer": self.customer,
            "rewardId": self.reward_id,
            "requested": self.wanted,
            "issued": len(self.vouchers),
            "vouchers": self.vouchers,
            "calls": self.calls,
            "bodies": len(self.bodies),
        }


class Books:
    """All entries, the ids of the customers, and the times of the reads."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.reads: list[float] = []
        self._customers: dict[str, int] = {}
        self._transactions = _FIRST_TRANSACTION

    def note_call(self, order: Order) -> int:
        """Record a call before it is processed; returns the number of earlier calls."""
        entries = [self._entry(order, line) for line in order.lines]
        earlier = min(len(entry.calls) for entry in entries)
        for entry in entries:
            entry.calls.append(time.time())
            entry.bodies.add(sha256(order.body).hexdigest())
        return earlier

    def _entry(self, order: Order, line: Line) -> Entry:
        new = Entry(line.request_id, order.reference, order.customer, line.reward_id, line.wanted)
        return self.entries.setdefault(line.request_id, new)

    def issue(self, order: Order) -> dict[str, int]:
        """Issue the lines that are not issued yet; returns the units added, by requestId."""
        return {line.request_id: self._issue(self.entries[line.request_id]) for line in order.lines}

    def _issue(self, entry: Entry) -> int:
        if entry.transaction_id is not None:
            return 0
        entry.transaction_id, entry.issued_at = self._transactions, time.time()
        entry.vouchers = [f"V{entry.transaction_id}-{unit}" for unit in range(entry.wanted)]
        self._transactions += 1
        return entry.wanted

    def customer_id(self, customer: str) -> int:
        """Return the API's id of a customer; every identifier is a customer."""
        return self._customers.setdefault(customer, _FIRST_CUSTOMER + len(self._customers))

    def issued_to(self, customer_id: str, reward_id: str | None) -> Sequence[Entry]:
        """Return a customer's issued entries, the newest first."""
        found = [
            entry
            for entry in self._issued()
            if str(self.customer_id(entry.customer)) == customer_id
            and reward_id in (None, entry.reward_id)
        ]
        return sorted(found, key=lambda entry: -entry.issued_at)

    def find(self, transaction_id: str) -> Entry | None:
        """Return the entry of a transaction."""
        wanted = (entry for entry in self._issued() if str(entry.transaction_id) == transaction_id)
        return next(wanted, None)

    def _issued(self) -> Iterator[Entry]:
        return (entry for entry in self.entries.values() if entry.transaction_id is not None)

    def as_json(self) -> dict[str, Any]:
        """Return the whole record, for `GET /_books`."""
        entries = [entry.as_json() for entry in self.entries.values()]
        return {"entries": entries, "reads": self.reads}
