"""The bodies of the stub's replies (rewards-api §4, §8)."""

from collections.abc import Mapping
from typing import Any

from tests.hostile.books import Entry
from tests.hostile.orders import Order

Json = dict[str, Any]

ISSUED_CODE = 200
NOT_FOUND_CODE = 6004
_ISSUED = {"success": True, "code": ISSUED_CODE, "message": "Reward issued successfully"}
_FETCHED = {"success": True, "code": ISSUED_CODE, "message": "Reward transactions fetched"}


def issued(order: Order, entries: Mapping[str, Entry], shown: Mapping[str, int]) -> Json:
    """Return the reply to an issue call, with this many units of each requestId."""
    lines = [(entries[line.request_id], shown[line.request_id]) for line in order.lines]
    if order.single:
        return _single(*lines[0])
    return {"status": _ISSUED, "rewards": [_element(entry, units) for entry, units in lines]}


def _single(entry: Entry, units: int) -> Json:
    coupons = _coupons(entry, units)
    return {
        "status": _ISSUED,
        "intouch": coupons[0] if coupons else None,
        "promotion": None,
        "vendor": None,
        "transactionId": entry.transaction_id,
        "requestId": entry.request_id,
    }


def _element(entry: Entry, units: int) -> Json:
    return {
        "status": _ISSUED,
        "transactionId": entry.transaction_id,
        "rewardId": int(entry.reward_id),
        "requestedQuantity": entry.wanted,
        "quantity": units,
        "pointsReferenceId": None,
        "pointsReferenceIds": [],
        "intouch": _coupons(entry, units),
        "promotions": [],
        "vendor": [],
        "requestId": entry.request_id,
    }


def _coupons(entry: Entry, units: int) -> list[Json]:
    return [{"couponCode": code, "pointsRedeemed": "0"} for code in entry.vouchers[:units]]


def refused(code: int, *, single: bool) -> Json:
    """Return the reply to a call that is refused as a whole."""
    status = {"success": False, "code": code, "message": f"refused with {code}"}
    shape: Json = {"intouch": None, "promotion": None, "vendor": None}
    return {"status": status} | (shape if single else {"rewards": None})


def of_gateway(http_status: int) -> Json:
    """Return a reply of the gateway, which has no `status`."""
    error = {"code": http_status, "message": f"gateway says {http_status}"}
    return {"data": None, "errors": [error]}


def page(http_status: int) -> str:
    """Return an error page, like that of a proxy in front of the API."""
    return f"<html><head><title>{http_status}</title></head><body>error</body></html>"


def transactions(entries: list[Entry], number: int) -> Json:
    """Return a customer's transactions; the stub lists all of them on one page."""
    paging = {"last": True, "first": True, "totalElements": len(entries), "number": number}
    listed = [_transaction(entry) for entry in entries]
    return {"status": _FETCHED, "rewardIssueTransactions": listed, "pagingDto": paging}


def detail(entry: Entry | None, customer_id: int | None) -> Json:
    """Return one transaction; the reply is a refusal if `entry` is None."""
    if entry is None:
        missing = {"success": False, "code": NOT_FOUND_CODE, "message": "Reward not found"}
        return {"status": [missing], "data": None}
    more: Json = {
        "customerId": customer_id,
        "quantity": len(entry.vouchers),
        "requestedQuantity": entry.wanted,
        "vouchers": [{"code": code} for code in entry.vouchers],
        "vendorRewards": {"rewards": []},
    }
    return {"status": [_FETCHED], "data": _transaction(entry) | more}


def _transaction(entry: Entry) -> Json:
    return {
        "rewardTransactionId": str(entry.transaction_id),
        "rewardIssueRefId": entry.reference,
        "rewardTransactionDate": int(entry.issued_at * 1000),
        "status": _ISSUED,
        "rewardDetails": {"rewardId": int(entry.reward_id), "name": "stub", "enabled": True},
        "redemptionType": "INTOUCH_REWARD",
    }
