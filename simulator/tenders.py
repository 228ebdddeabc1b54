"""Tenders: how the money for CASH and POINTS_CASH rewards was paid (rewards-api §3.1)."""

from collections.abc import Iterable, Mapping
from typing import Any

from simulator.pricing import Plan, whole_number
from simulator.statuses import Status, invalid

Due = tuple[Plan | Status, Mapping[str, Any]]


def check_tenders(dues: Iterable[Due], body: Mapping[str, Any]) -> None:
    """Refuse a call whose tenders do not pay exactly what its rewards cost in money.

    `dues` are the plan and the element of each line. A line's own tender pays for it alone; the
    call's tender pays for all lines without one. Raises RefusalError with code 400.
    """
    shared, asked = 0, body.get("tender")
    for plan, element in dues:
        price = plan.cash if isinstance(plan, Plan) else 0
        own = element.get("tender")
        if own is None or own is asked:
            shared += price
        else:
            _check(own, price)
    if shared or asked is not None:
        _check(asked, shared)


def _check(tender: Any, price: int) -> None:
    if tender is None:
        raise invalid("tender must not be null for a payment mode with cash")
    tenders = tender.get("tenders") if isinstance(tender, dict) else None
    if not isinstance(tenders, list) or not tenders:
        raise invalid("tender must be an object with a list of tenders")
    total = whole_number(tender.get("totalAmount"), "tender.totalAmount")
    paid = sum(_amount(entry) for entry in tenders)
    if paid != total:
        raise invalid(f"tender amounts add up to {paid} and not to the totalAmount {total}")
    if total != price:
        raise invalid(f"tender totalAmount {total} does not match the price {price}")


def _amount(entry: Any) -> int:
    if not isinstance(entry, dict) or not entry.get("methodOfPayment"):
        raise invalid("tender methodOfPayment must not be null")
    tender_id = entry.get("tenderId")
    if tender_id is not None:
        whole_number(tender_id, "tender.tenderId")
    return whole_number(entry.get("amount"), "tender.amount")
