"""Processes an order in the documented order: replay, eligibility, points, limits, units (§4.4)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from simulator.customers import Customer
from simulator.keys import Event, KeyStore, Progress
from simulator.limits import Day, LimitCounters
from simulator.obstacles import Forced, find_obstacle
from simulator.orders import Order, OrderLine
from simulator.pricing import Plan
from simulator.reward import Reward
from simulator.statuses import (
    DUPLICATE_REQUEST_ID,
    ISSUED,
    NOT_REDEEMABLE,
    PARTIAL,
    PAYMENT_CONFIG_AMBIGUOUS,
    PAYMENT_CONFIG_INVALID,
    POINTS_NOT_REDEEMED,
    REWARD_NOT_AVAILABLE,
    RefusalError,
    Status,
)
from simulator.switches import Switches
from simulator.transactions import Journal, Payer, Transaction, Unit

# The documents' samples of these failures carry no transactionId.
UNRECORDED = (PAYMENT_CONFIG_INVALID.code, PAYMENT_CONFIG_AMBIGUOUS.code)


class Numbering(Protocol):
    """Generates unique numbers and codes."""

    def transaction_id(self) -> int:
        """The next transaction id."""

    def voucher(self, reward: Reward) -> str:
        """A new voucher code."""

    def points_reference(self) -> str:
        """A new id for a points redemption."""


class IssueLog(Protocol):
    """Records what processing does, before the reply is built."""

    def issued(
        self, line: OrderLine, customer: Customer, transaction: Transaction, unit: Unit
    ) -> None:
        """One unit was issued and paid for."""

    def reversed(self, line: OrderLine, units: Sequence[Unit]) -> None:
        """Units were issued and reversed at once."""

    def planned(self, line: OrderLine) -> None:
        """A line was parsed: its number of requested units is final."""


@dataclass(slots=True)
class Records:
    """All state that processing an order changes."""

    keys: KeyStore
    limits: LimitCounters
    journal: Journal
    log: IssueLog
    numbering: Numbering
    timezone: str | None = None
    """Where the brand's days begin at midnight; None: where the switch `timezone` says."""


@dataclass(slots=True)
class Work:
    """One line while it is processed."""

    line: OrderLine
    progress: Progress
    failure: Status | None = None
    added: list[Unit] = field(default_factory=list)
    reversed_units: list[Unit] = field(default_factory=list)
    was_finished: bool = False
    continues: Transaction | None = None

    @property
    def missing(self) -> int:
        """Requested units that are not issued yet; 0 when the line cannot be priced."""
        plan = self.line.plan
        return plan.units - len(self.progress.units) if isinstance(plan, Plan) else 0


@dataclass(frozen=True, slots=True)
class LineResult:
    """The reply's content for one line: the vouchers of `units`, and the reported `quantity`."""

    line: OrderLine
    status: Status
    quantity: int
    units: list[Unit]
    transaction: Transaction | None


def issue(
    records: Records, order: Order, switches: Switches, now: float, forced: Forced | None = None
) -> list[LineResult]:
    """Process an order at `now` (epoch seconds); raises RefusalError for a refused call."""
    event = records.keys.event_for(order.request_ids, order.fingerprint)
    works = _start(records, order, event, switches)
    if _is_replay(event, works, switches):
        return [_result(work, switches) for work in works]
    for work in works:
        if not work.was_finished:
            issued = records.limits.issued(work.line.reward)
            work.failure = find_obstacle(work.line, order.customer, now, issued, forced)
    _check_points(event, works, forced)
    day = Day(now, records.timezone or switches.timezone)
    for work in works:
        if not work.was_finished:
            _process(records, order, work, day, forced)
    event.failed = not any(work.progress.units for work in works)
    return [_result(work, switches) for work in works]


def _start(records: Records, order: Order, event: Event, switches: Switches) -> list[Work]:
    works = []
    for line in order.lines:
        records.log.planned(line)
        work = Work(line, records.keys.progress_of(line.request_id, event))
        work.was_finished = isinstance(line.plan, Plan) and work.missing <= 0
        if switches.replay_quantity == "cumulative" and work.progress.transactions:
            work.continues = work.progress.transactions[-1]
        works.append(work)
    return works


def _is_replay(event: Event, works: Iterable[Work], switches: Switches) -> bool:
    """Whether the result is known already; raises the refusal that a switch asks for."""
    if event.failed and switches.failed_replay == "reprocess":
        event.failed, event.refusal = False, None
    elif event.failed:
        if switches.failed_replay == "duplicate_400":
            raise RefusalError(DUPLICATE_REQUEST_ID)
        if event.refusal is not None:
            raise RefusalError(event.refusal)
        return True
    finished = all(work.was_finished for work in works)
    if finished and switches.completed_replay == "duplicate_400":
        raise RefusalError(DUPLICATE_REQUEST_ID)
    return finished


def _check_points(event: Event, works: Sequence[Work], forced: Forced | None) -> None:
    """Check the points of all rewards, also of those that fail later for another reason (§4.4)."""
    payers = {id(work.line.payer): work.line.payer for work in works}.values()
    if all(_needed(payer, works) <= payer.points for payer in payers) and not (
        forced and forced.status == NOT_REDEEMABLE
    ):
        return
    event.failed = not any(work.progress.units for work in works)
    event.refusal = NOT_REDEEMABLE if event.failed else None
    raise RefusalError(NOT_REDEEMABLE)


def _needed(payer: Payer, works: Sequence[Work]) -> int:
    return sum(
        plan.points_for(plan.units) - plan.points_for(len(work.progress.units))
        for work in works
        if work.line.payer is payer
        and work.failure is not REWARD_NOT_AVAILABLE
        and isinstance(plan := work.line.plan, Plan)
    )


def _process(records: Records, order: Order, work: Work, day: Day, forced: Forced | None) -> None:
    fits = work.missing if work.failure is None else 0
    if fits and (room := records.limits.room(work.line.reward, order.customer.customer_id, day)):
        fits = min(fits, max(room.units, 0))
        work.failure = None if fits else room.reason
    if forced and forced.units is not None:
        fits = min(fits, forced.units)
    work.progress.failure = work.failure
    if fits:
        _add_units(records, order, work, fits, day)
    elif not work.progress.transactions and work.failure and work.failure.code not in UNRECORDED:
        _open_transaction(records, order, work, day.moment)
        if work.failure.code == POINTS_NOT_REDEEMED.code:
            _reverse(records, work, day.moment)


def _reverse(records: Records, work: Work, now: float) -> None:
    """Issue a coupon and take it back, because redeeming its points failed afterwards (§4.4)."""
    work.reversed_units = [
        Unit(records.numbering.voucher(work.line.reward), 0, now) for _ in range(work.missing)
    ]
    records.log.reversed(work.line, work.reversed_units)


def _add_units(records: Records, order: Order, work: Work, count: int, day: Day) -> None:
    plan, customer, reward = work.line.plan, order.customer, work.line.reward
    payer, now = work.line.payer, day.moment
    if not isinstance(plan, Plan):
        raise TypeError("a line without a price cannot be issued")
    transaction = _open_transaction(records, order, work, now)
    done, cash = len(work.progress.units), plan.config.cash if plan.config else 0
    for number in range(done, done + count):
        points = plan.points_for(number + 1) - plan.points_for(number)
        voucher = records.numbering.voucher(reward) if reward.shows_voucher else ""
        unit = Unit(voucher, points, now, cash)
        transaction.units.append(unit)
        work.added.append(unit)
        payer.points -= points
        records.log.issued(work.line, customer, transaction, unit)
    if any(unit.points for unit in work.added):
        transaction.points_refs += (records.numbering.points_reference(),)
    records.limits.take(reward, customer.customer_id, day, count)


def _open_transaction(records: Records, order: Order, work: Work, now: float) -> Transaction:
    if work.continues is not None:
        work.continues.failure = work.failure
        return work.continues
    line = work.line
    transaction = Transaction(
        records.numbering.transaction_id(),
        order.customer.customer_id,
        line.org_id,
        line.reward.reward_id,
        order.reference,
        now,
        work.missing or 1,
        line.plan if isinstance(line.plan, Plan) else None,
        line.payer,
        order.event_date_time,
        work.failure,
        by_group=line.group is not None,
        extras=line.extras,
        event_log_id=order.event_log_id,
    )
    work.progress.transactions += (transaction,)
    records.journal.add(transaction)
    return transaction


def _result(work: Work, switches: Switches) -> LineResult:
    shown = quantity_units = work.progress.units
    if not work.was_finished and switches.replay_quantity == "delta":
        shown = quantity_units = work.added
    elif work.was_finished and switches.completed_replay == "original_without_vouchers":
        shown = []
    elif work.reversed_units and switches.reversed_voucher == "shown":
        shown = work.reversed_units
    transactions = work.progress.transactions
    return LineResult(
        work.line,
        _status(work),
        len(quantity_units),
        shown,
        transactions[-1] if transactions else None,
    )


def _status(work: Work) -> Status:
    if isinstance(work.line.plan, Plan) and work.missing <= 0:
        return ISSUED
    if work.progress.units:
        return PARTIAL
    return work.progress.failure or PARTIAL
