"""What really happened, recorded separately from the replies, for tests to compare with."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Literal

from simulator.customers import Customer, identifier_in
from simulator.orders import OrderLine, elements_in, request_id_in
from simulator.pricing import Plan
from simulator.transactions import Transaction, Unit
from simulator.truth_entry import Entry, sent_fields

CallKind = Literal["issue", "read", "token", "revoke"]


@dataclass(slots=True)
class Arrival:
    """An issue call as it arrived: the caller's account, the body, and a digest of its bytes."""

    account: str
    body: Mapping[str, Any]
    reward_id: str | None
    digest: bytes

    @property
    def elements(self) -> list[Mapping[str, Any]]:
        """The reward elements of the body."""
        return elements_in(self.body, self.reward_id)

    def entry(self, request_id: str, element: Mapping[str, Any]) -> Entry:
        """The first entry of a requestId."""
        identifier, number = identifier_in(self.body), str(self.body.get("transactionNumber"))
        return Entry(
            self.account,
            self.digest,
            identifier and identifier[1],
            element.get("rewardId"),
            None if number == request_id else number,
            sent_fields(self.body, element, single=self.reward_id is not None),
        )


class Truth:
    """The record of calls and issued units; with a file, each unit is written there at once."""

    def __init__(self) -> None:
        self._file: IO[str] | None = None
        self._forget()

    @property
    def has_file(self) -> bool:
        """Whether events are written anywhere."""
        return self._file is not None

    def write_to(self, file: IO[str]) -> None:
        """Write all later events to a file."""
        self._file = file

    def clear(self) -> None:
        """Forget everything; the file is kept and records the reset."""
        self._forget()
        self.record({"event": "reset"})

    def _forget(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._unkeyed_units = 0
        self._points = self._refunded = 0
        self._calls: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._concurrent = 0

    def received(self, arrival: Arrival) -> None:
        """Count an issue call for each requestId it carries, whatever its outcome."""
        for element in arrival.elements:
            if request_id := request_id_in(element):
                entry = self._entries.get(request_id)
                if entry is None:
                    entry = self._entries[request_id] = arrival.entry(request_id, element)
                elif entry.digest != arrival.digest or entry.account != arrival.account:
                    entry.differing_calls += 1
                entry.calls += 1

    def answered(self, kind: CallKind, http_status: int) -> None:
        """Count the reply to a call (issue, read, token, revoke); status 0 means no reply."""
        self._calls[kind] += 1
        if kind == "issue":
            self._statuses[http_status] += 1

    def collided(self, elements: Sequence[Mapping[str, Any]]) -> None:
        """Count a call that arrived while another for the same customer was processed."""
        self._concurrent += 1
        for element in elements:
            if entry := self._entries.get(request_id_in(element) or ""):
                entry.concurrent_calls += 1

    def planned(self, line: OrderLine) -> None:
        """A line was parsed: its number of requested units is final."""
        entry = self._entries.get(line.request_id or "")
        if entry is not None and isinstance(line.plan, Plan):
            entry.requested = line.plan.units
            entry.reward_id = line.reward.reward_id
            entry.org_id = line.org_id
            if line.group is not None:
                entry.group_id = line.group.group.group_id

    def issued(
        self, line: OrderLine, customer: Customer, transaction: Transaction, unit: Unit
    ) -> None:
        """One unit was issued and paid for."""
        self._points += unit.points
        entry = self._entries.get(line.request_id or "")
        if entry is None:
            self._unkeyed_units += 1
        else:
            entry.customer_id = customer.customer_id
            entry.points_charged += unit.points
            entry.cash_charged += unit.cash
            entry.issued += 1
            if unit.voucher:
                entry.vouchers += (unit.voucher,)
            if transaction.transaction_id not in entry.transaction_ids:
                entry.transaction_ids += (transaction.transaction_id,)
        if self._file is not None:
            self.record(_issued_event(line, customer, transaction, unit, entry))

    def reversed(self, line: OrderLine, units: Sequence[Unit]) -> None:
        """Units were issued and reversed at once, because their points could not be redeemed."""
        entry = self._entries.get(line.request_id or "")
        if entry is not None:
            entry.reversed_vouchers += tuple(unit.voucher for unit in units if unit.voucher)

    def revoked(self, transaction: Transaction) -> None:
        """A whole transaction was cancelled and its points returned."""
        points = sum(unit.points for unit in transaction.units)
        self._refunded += points
        owners = [
            key
            for key, entry in self._entries.items()
            if transaction.transaction_id in entry.transaction_ids
        ]
        for request_id in owners:
            self._entries[request_id].revoked += len(transaction.units)
        self.record(
            {"event": "revoked", "transactionId": transaction.transaction_id, "requestIds": owners}
        )

    def entry(self, request_id: str) -> dict[str, Any] | None:
        """What happened under one requestId; None if it was never seen."""
        entry = self._entries.get(request_id)
        return entry.as_json(request_id) if entry else None

    def entries(self) -> Iterator[dict[str, Any]]:
        """Every requestId's entry in order of arrival; safe while new ones arrive."""
        for request_id, entry in list(self._entries.items()):
            yield entry.as_json(request_id)

    def summary(self) -> dict[str, Any]:
        """The counts; `overIssued` must be 0.

        `pairsWithSeveralRequestIds` counts pairs of customer and reward with several requestIds.
        """
        keys_by_pair: defaultdict[tuple[str, int | None, Any], int] = defaultdict(int)
        for entry in self._entries.values():
            if entry.issued:
                keys_by_pair[entry.account, entry.customer_id, entry.reward_id] += 1
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
            "differingCalls": sum(entry.differing_calls for entry in entries),
            "organisations": self._by_organisation(),
        }

    def _by_organisation(self) -> list[dict[str, Any]]:
        totals: dict[tuple[str, int], Counter[str]] = {}
        for entry in self._entries.values():
            if entry.issued and entry.org_id is not None:
                total = totals.setdefault((entry.account, entry.org_id), Counter())
                total["units"] += entry.issued
                total["vouchers"] += len(entry.vouchers)
                total["pointsCharged"] += entry.points_charged
                total["cashCharged"] += entry.cash_charged
        return [
            {"account": account, "orgId": org_id, **total}
            for (account, org_id), total in sorted(totals.items())
        ]

    def record(self, line: Mapping[str, Any]) -> None:
        """Write an event to the file, if there is one, before the reply is sent."""
        if self._file is not None:
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
            self._file.flush()


def _issued_event(
    line: OrderLine, customer: Customer, transaction: Transaction, unit: Unit, entry: Entry | None
) -> dict[str, Any]:
    return {
        "event": "issued",
        "at": unit.at,
        "requestId": line.request_id,
        "account": entry.account if entry else None,
        "orgId": line.org_id,
        "customer": entry.customer if entry else None,
        "customerId": customer.customer_id,
        "rewardId": line.reward.reward_id,
        "requested": entry.requested if entry else None,
        "transactionId": transaction.transaction_id,
        "reference": transaction.reference,
        "voucher": unit.voucher,
        "points": unit.points,
        "cash": unit.cash,
    }
