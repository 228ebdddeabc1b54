"""Reasons not to issue a line: the reward's own rules, or an outcome that a test forces."""

from dataclasses import dataclass
from datetime import UTC, datetime

from simulator.customers import Customer
from simulator.orders import OrderLine
from simulator.statuses import (
    NO_VALID_CARD,
    NOT_IN_SEGMENT,
    OWNER_INVALID,
    OWNER_MISSING,
    REWARD_NOT_AVAILABLE,
    VOUCHER_MISSING,
    Status,
)


@dataclass(frozen=True, slots=True)
class Forced:
    """An outcome that a test forces on a call: a status for its lines, or at most `units` units."""

    status: Status
    units: int | None = None


def find_obstacle(
    line: OrderLine, customer: Customer, now: float, issued: int, forced: Forced | None
) -> Status | None:
    """The status that prevents issuing the line at `now` (epoch seconds), or None.

    `issued` is the number of units of its reward that all customers got.
    """
    reward = line.reward
    if not reward.available(datetime.fromtimestamp(now, UTC)):
        return REWARD_NOT_AVAILABLE
    if wrong := _not_for(customer, line):
        return wrong
    if isinstance(line.plan, Status):
        return line.plan
    if not reward.vendor_gives_voucher:
        return VOUCHER_MISSING
    key = line.request_id or str(customer.customer_id)
    for failure in reward.failures:
        if failure.meets(key, issued):
            return failure.status
    return forced.status if forced and forced.units is None else None


def _not_for(customer: Customer, line: OrderLine) -> Status | None:
    reward, owner = line.reward, line.extras.owner
    if reward.segments and not reward.segments & customer.segments:
        return NOT_IN_SEGMENT
    if reward.card_series and not reward.card_series & customer.cards:
        return NO_VALID_CARD
    if reward.owner == owner:
        return None
    # An owner is checked only when it is given, but a reward that has one needs it.
    return OWNER_INVALID if owner else OWNER_MISSING
