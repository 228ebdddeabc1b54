"""The stub's own books: what was really issued, and every call, by requestId."""

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
    """One requestId.

    Attributes:
        transaction_id: None until units are issued.
        calls: when each call came, in seconds since 1970.
        bodies: digests of the different bodies that came with it; more than one is wrong.
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
        """The entry as `GET /_books` shows it."""
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
    """All entries, the customers' ids, and the times of the reads."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.reads: list[float] = []
        self._customers: dict[str, int] = {}
        self._transactions = _FIRST_TRANSACTION

    def note_call(self, order: Order) -> int:
        """Note a call before anything else happens; returns how many came before it."""
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
        """Issue what is not issued yet; returns the units that this call added, by requestId."""
        return {line.request_id: self._issue(self.entries[line.request_id]) for line in order.lines}

    def _issue(self, entry: Entry) -> int:
        if entry.transaction_id is not None:
            return 0
        entry.transaction_id, entry.issued_at = self._transactions, time.time()
        entry.vouchers = [f"V{entry.transaction_id}-{unit}" for unit in range(entry.wanted)]
        self._transactions += 1
        return entry.wanted

    def customer_id(self, customer: str) -> int:
        """The API's id of a customer; the stub knows every customer."""
        return self._customers.setdefault(customer, _FIRST_CUSTOMER + len(self._customers))

    def issued_to(self, customer_id: str, reward_id: str | None) -> Sequence[Entry]:
        """A customer's issued entries, the newest first."""
        theirs = [e for e in self._issued() if str(self.customer_id(e.customer)) == customer_id]
        wanted = [entry for entry in theirs if reward_id in (None, entry.reward_id)]
        return sorted(wanted, key=lambda entry: -entry.issued_at)

    def find(self, transaction_id: str) -> Entry | None:
        """The entry of a transaction."""
        wanted = (entry for entry in self._issued() if str(entry.transaction_id) == transaction_id)
        return next(wanted, None)

    def _issued(self) -> Iterator[Entry]:
        return (entry for entry in self.entries.values() if entry.transaction_id is not None)

    def as_json(self) -> dict[str, Any]:
        """Everything, for `GET /_books`."""
        entries = [entry.as_json() for entry in self.entries.values()]
        return {"entries": entries, "reads": self.reads}
