"""What really happened, kept apart from the replies: the book that tests compare other books with."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from simulator.customers import Customer
from simulator.orders import OrderLine, request_id_in
from simulator.pricing import Plan
from simulator.transactions import Transaction, Unit


@dataclass(slots=True)
class Entry:
    """Everything that happened under one requestId; `customer` is the identifier as it was sent.

    Tuples, not lists: a run of a million requestIds has a million of these.
    """

    customer: str | None
    reward_id: Any
    requested: int = 1
    calls: int = 0
    concurrent_calls: int = 0
    points_charged: int = 0
    customer_id: int | None = None
    issued: int = 0
    revoked: int = 0
    vouchers: tuple[str, ...] = ()
    reversed_vouchers: tuple[str, ...] = ()
    transaction_ids: tuple[int, ...] = ()

    def as_json(self, request_id: str) -> dict[str, Any]:
        """The entry as `GET /_truth` shows it."""
        return {
            "requestId": request_id,
            "customer": self.customer,
            "customerId": self.customer_id,
            "rewardId": self.reward_id,
            "requested": self.requested,
            "issued": self.issued,
            "revoked": self.revoked,
            "vouchers": self.vouchers,
            "reversedVouchers": self.reversed_vouchers,
            "transactionIds": self.transaction_ids,
            "pointsCharged": self.points_charged,
            "calls": self.calls,
            "concurrentCalls": self.concurrent_calls,
        }


class Truth:
    """The book of calls and issued units; with a file, each issued unit is also a line there, at once."""

    def __init__(self) -> None:
        self._file: IO[str] | None = None
        self._forget()

    def keep_in(self, file: IO[str]) -> None:
        """Write to a file what happens from now on."""
        self._file = file

    def clear(self) -> None:
        """Forget everything; the file is kept and gets a line that says so."""
        self._forget()
        self.note({"event": "reset"})

    def _forget(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._unkeyed_units = 0
        self._points = self._refunded = 0
        self._calls: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._concurrent = 0

    def received(self, customer: str | None, elements: Sequence[Mapping[str, Any]]) -> None:
        """An issue call came in; counted for each requestId it carries, whatever becomes of it."""
        for element in elements:
            if request_id := request_id_in(element):
                entry = self._entries.get(request_id)
                if entry is None:
                    entry = self._entries[request_id] = Entry(customer, element.get("rewardId"))
                entry.calls += 1

    def answered(self, kind: str, http_status: int) -> None:
        """A call of a kind (issue, read, token, revoke) was answered; 0 stands for no answer at all."""
        self._calls[kind] += 1
        if kind == "issue":
            self._statuses[http_status] += 1

    def collided(self, elements: Sequence[Mapping[str, Any]]) -> None:
        """A call came while another one for the same customer was being processed."""
        self._concurrent += 1
        for element in elements:
            if entry := self._entries.get(request_id_in(element) or ""):
                entry.concurrent_calls += 1

    def planned(self, line: OrderLine) -> None:
        """A line was understood: its number of requested units is now certain."""
        entry = self._entries.get(line.request_id or "")
        if entry is not None and isinstance(line.plan, Plan):
            entry.requested = line.plan.units
            entry.reward_id = line.reward.reward_id

    def issued(
        self, line: OrderLine, customer: Customer, transaction: Transaction, unit: Unit
    ) -> None:
        """One more unit was issued and paid."""
        self._points += unit.points
        entry = self._entries.get(line.request_id or "")
        if entry is None:
            self._unkeyed_units += 1
        else:
            entry.customer_id = customer.customer_id
            entry.points_charged += unit.points
            entry.issued += 1
            if unit.voucher:
                entry.vouchers += (unit.voucher,)
            if transaction.transaction_id not in entry.transaction_ids:
                entry.transaction_ids += (transaction.transaction_id,)
        self.note(
            {
                "event": "issued",
                "at": unit.at,
                "requestId": line.request_id,
                "customer": entry.customer if entry else None,
                "customerId": customer.customer_id,
                "rewardId": line.reward.reward_id,
                "requested": entry.requested if entry else None,
                "transactionId": transaction.transaction_id,
                "reference": transaction.reference,
                "voucher": unit.voucher,
                "points": unit.points,
            }
        )

    def reversed(self, line: OrderLine, units: Sequence[Unit]) -> None:
        """Units were issued and taken back at once, because their points could not be redeemed."""
        entry = self._entries.get(line.request_id or "")
        if entry is not None:
            entry.reversed_vouchers += tuple(unit.voucher for unit in units if unit.voucher)

    def revoked(self, transaction: Transaction) -> None:
        """A whole transaction was cancelled and its points given back."""
        points = sum(unit.points for unit in transaction.units)
        self._refunded += points
        owners = [
            key
            for key, entry in self._entries.items()
            if transaction.transaction_id in entry.transaction_ids
        ]
        for request_id in owners:
            self._entries[request_id].revoked += len(transaction.units)
        self.note(
            {"event": "revoked", "transactionId": transaction.transaction_id, "requestIds": owners}
        )

    def entry(self, request_id: str) -> dict[str, Any] | None:
        """What happened under one requestId; None if it was never seen."""
        entry = self._entries.get(request_id)
        return entry.as_json(request_id) if entry else None

    def entries(self) -> Iterator[dict[str, Any]]:
        """Every requestId's entry, in order of arrival; later arrivals do not disturb the iteration."""
        for request_id, entry in list(self._entries.items()):
            yield entry.as_json(request_id)

    def summary(self) -> dict[str, Any]:
        """The counts; `overIssued` must be 0, and `pairsWithSeveralRequestIds` counts keys minted anew."""
        keys_by_pair: defaultdict[tuple[int | None, Any], int] = defaultdict(int)
        for entry in self._entries.values():
            if entry.issued:
                keys_by_pair[entry.customer_id, entry.reward_id] += 1
        entries = self._entries.values()
        return {
            "requestIds": len(self._entries),
            "requestIdsIssued": sum(bool(entry.issued) for entry in entries),
            "unitsIssued": sum(entry.issued for entry in entries) + self._unkeyed_units,
            "unitsWithoutRequestId": self._unkeyed_units,
            "unitsRevoked": sum(entry.revoked for entry in entries),
            "overIssued": sum(entry.issued > entry.requested for entry in entries),
            "pointsCharged": self._points,
            "pointsRefunded": self._refunded,
            "pairs": len(keys_by_pair),
            "pairsWithSeveralRequestIds": sum(keys > 1 for keys in keys_by_pair.values()),
            "calls": self._calls["issue"],
            "readCalls": self._calls["read"],
            "tokenCalls": self._calls["token"],
            "revokeCalls": self._calls["revoke"],
            "callsByHttpStatus": {
                str(status): count for status, count in sorted(self._statuses.items())
            },
            "concurrentCalls": self._concurrent,
        }

    def note(self, line: Mapping[str, Any]) -> None:
        """Write an event to the file, if there is one, before anybody hears of it."""
        if self._file is not None:
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
            self._file.flush()
