"""The record of issuances, successful and failed, which the read endpoints show."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from simulator.fields import NO_EXTRAS, Extras
from simulator.pricing import Plan
from simulator.statuses import ISSUED, PARTIAL, Status


@dataclass(frozen=True, slots=True)
class Unit:
    """One issued unit: its voucher, its cost in points and money, its time (epoch seconds)."""

    voucher: str
    points: int
    at: float
    cash: int = 0


class Payer(Protocol):
    """A customer or group whose points pay."""

    points: int


@dataclass(slots=True)
class Transaction:
    """One reward transaction at `at` (epoch seconds) of `requested` units.

    `reference` is the caller's transactionNumber; `plan` is None when the line had no price.
    """

    transaction_id: int
    customer_id: int
    org_id: int
    reward_id: int
    reference: str
    at: float
    requested: int
    plan: Plan | None
    payer: Payer
    event_date_time: str | None = None
    failure: Status | None = None
    units: list[Unit] = field(default_factory=list)
    points_refs: tuple[str, ...] = ()
    state: Literal["ISSUED", "CANCELLED"] = "ISSUED"
    by_group: bool = False
    extras: Extras = NO_EXTRAS
    event_log_id: str | None = None
    hidden: bool = False
    """Planted: no read shows it."""
    shown_units: int | None = None
    """Planted: the reads show this number of units."""

    def units_before(self, moment: float) -> list[Unit]:
        """The units issued up to `moment` (epoch seconds): what a lagging read sees."""
        seen = [unit for unit in self.units if unit.at <= moment]
        if self.shown_units is None:
            return seen
        more = range(len(seen), self.shown_units)
        return seen[: self.shown_units] + [
            Unit(f"Planted-{self.transaction_id}-{number}", 0, self.at) for number in more
        ]

    def status_with(self, units: int) -> Status:
        """The status once `units` of the requested units are issued."""
        if units >= self.requested:
            return ISSUED
        return PARTIAL if units or self.failure is None else self.failure


class Journal:
    """All transactions, by id and by customer."""

    def __init__(self) -> None:
        self._by_id: dict[int, Transaction] = {}
        self._by_customer: dict[int, list[Transaction]] = {}

    def add(self, transaction: Transaction) -> None:
        """Record a new transaction."""
        self._by_id[transaction.transaction_id] = transaction
        self._by_customer.setdefault(transaction.customer_id, []).append(transaction)

    def find(self, transaction_id: int) -> Transaction | None:
        """The transaction with this id, or None."""
        return self._by_id.get(transaction_id)

    def of_customer(self, customer_id: int) -> list[Transaction]:
        """A customer's transactions, newest first."""
        return self._by_customer.get(customer_id, [])[::-1]
