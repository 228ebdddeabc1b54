"""The read endpoints, which never show a requestId (rewards-api §8)."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simulator.access import Caller
from simulator.calls import Call
from simulator.catalogue import Reward
from simulator.customers import LOOKUP_NAMES
from simulator.replies import Reply, json_reply, service_reply
from simulator.statuses import READ_NOT_FOUND, READ_PAGE_INVALID, RefusalError, Status
from simulator.transactions import Transaction, Unit
from simulator.world import World

LISTED = Status(200, "Reward issue transactions fetched successfully")
SHOWN = Status(200, "Reward issue transactions details fetched successfully")
REDEEMED = Status(200, "Points redeemed successfully.")
CUSTOMER_NOT_FOUND = 8015
LOOKUP_INVALID = 8045
LARGEST_SIZE = 1_000
CASES: dict[str, Callable[[str], str]] = {"UPPER": str.upper, "LOWER": str.lower, "AS_IT_IS": str}
REDEMPTION_TYPES = {"coupon": "INTOUCH_REWARD", "promotion": "CART_PROMOTION", "vendor": "VOUCHER"}


def look_up_customer(world: World, call: Call, caller: Caller) -> Reply:  # noqa: ARG001 - one shape for all reads
    """Find a customer's id by mobile, email or externalId; a new customer may be unknown."""
    kind = LOOKUP_NAMES.get(call.query.get("identifiername", ""))
    value = call.query.get("identifiervalue")
    if kind is None or not value:
        return _lookup_error(LOOKUP_INVALID, "identifierName or identifierValue is not valid")
    customer = world.directory.find((kind, value))
    if customer is None:
        return _lookup_error(CUSTOMER_NOT_FOUND, "Customer not found")
    return json_reply(200, {"entity": customer.customer_id, "warnings": []})


def list_issuals(world: World, call: Call, caller: Caller) -> Reply:  # noqa: ARG001 - one shape for all reads
    """A customer's transactions, successful and failed, newest first; pages count from 0."""
    customer_id = _number(call.parameters["customer_id"])
    transactions = world.journal.of_customer(customer_id)
    page = _Page(
        _number(call.query.get("page", "0")), _size(call, default=100, largest=LARGEST_SIZE)
    )
    return _list(world, call, transactions, page)


def list_transactions(world: World, call: Call, caller: Caller) -> Reply:
    """The same for connected organisations; pages count from 1, and page 0 means all."""
    orgs = world.authenticator.orgs_for_reading(caller, call.headers)
    customer_id = _number(call.query.get("customerid", ""))
    transactions = [
        entry for entry in world.journal.of_customer(customer_id) if entry.org_id in orgs
    ]
    size, number = _size(call, default=10, largest=50), _number(call.query.get("page", "1"))
    page = _Page(number - 1, size) if number else _Page(0, max(len(transactions), 1))
    return _list(world, call, transactions, page)


def show_issual(world: World, call: Call, caller: Caller) -> Reply:  # noqa: ARG001 - one shape for all reads
    """One transaction of a customer, by both ids."""
    found = _find(world, call)
    wanted = _number(call.parameters["customer_id"])
    return _show(world, call, found if found and found.customer_id == wanted else None)


def show_transaction(world: World, call: Call, caller: Caller) -> Reply:  # noqa: ARG001 - one shape for all reads
    """One transaction by its id alone."""
    return _show(world, call, _find(world, call))


def show_connected_transaction(world: World, call: Call, caller: Caller) -> Reply:
    """One transaction of an organisation in scope."""
    orgs = world.authenticator.orgs_for_reading(caller, call.headers)
    found = _find(world, call)
    return _show(world, call, found if found and found.org_id in orgs else None)


@dataclass(frozen=True, slots=True)
class _Page:
    number: int
    size: int

    def cut(self, items: list[Any]) -> list[Any]:
        return items[self.number * self.size : (self.number + 1) * self.size]

    def as_json(self, total: int, shown: int) -> dict[str, Any]:
        pages = -(-total // self.size)
        return {
            "last": self.number >= pages - 1,
            "totalElements": total,
            "totalPages": pages,
            "numberOfElements": shown,
            "first": self.number == 0,
            "size": self.size,
            "number": self.number,
        }


def _lookup_error(code: int, message: str) -> Reply:
    # The customer API is another service: it answers 400 whatever `http_mode` is.
    return json_reply(
        400, {"errors": [{"status": False, "code": code, "message": message}], "warnings": []}
    )


def _find(world: World, call: Call) -> Transaction | None:
    found = world.journal.find(_number(call.parameters["transaction_id"]))
    return found if found and found.at <= _visible_until(world) else None


def _visible_until(world: World) -> float:
    return world.clock() - world.switches.read_lag_seconds


def _list(world: World, call: Call, transactions: Iterable[Transaction], page: _Page) -> Reply:
    visible = _visible_until(world)
    entries = [
        entry
        for transaction in transactions
        if transaction.at <= visible and _is_wanted(call, transaction, world)
        for entry in [_entry(world, call, transaction, visible)]
        if call.query.get("status", str(entry["status"]["success"])).lower()
        == str(entry["status"]["success"]).lower()
    ]
    shown = page.cut(entries)
    body = {
        "status": LISTED.as_json(),
        "rewardIssueTransactions": shown,
        "pagingDto": page.as_json(len(entries), len(shown)),
    }
    return service_reply(body, LISTED.code, world.switches)


def _is_wanted(call: Call, transaction: Transaction, world: World) -> bool:
    query = call.query
    kind = _redemption_type(world.rewards[transaction.reward_id], transaction)
    references = query.get("pointsrefids")
    return (
        query.get("rewardid", str(transaction.reward_id)) == str(transaction.reward_id)
        and query.get("redemptiontype", kind) == kind
        and (references is None or bool(set(references.split(",")) & set(transaction.points_refs)))
    )


def _entry(world: World, call: Call, transaction: Transaction, visible: float) -> dict[str, Any]:
    units, reward = transaction.units_before(visible), world.rewards[transaction.reward_id]
    return {
        "rewardTransactionId": str(transaction.transaction_id),
        "rewardIssueRefId": transaction.reference,
        "rewardTransactionDate": int(transaction.at * 1000),
        "status": transaction.status_with(len(units)).as_json(),
        "rewardDetails": {
            "rewardId": reward.reward_id,
            "name": reward.name,
            "groups": [],
            "rewardRank": 1,
            "enabled": reward.enabled,
        },
        "ownerType": None,
        "ownerId": "",
        "pointsRedemptionRefIds": transaction.points_refs if "pointsrefids" in call.query else None,
        "fulfillmentStatus": None,
        "redemptionType": _redemption_type(reward, transaction),
        **_dates(transaction),
    }


def _show(world: World, call: Call, transaction: Transaction | None) -> Reply:
    if transaction is None:
        body: dict[str, Any] = {"status": [READ_NOT_FOUND.as_json()], "data": None}
        return service_reply(body, READ_NOT_FOUND.code, world.switches)
    body = {"status": [SHOWN.as_json()], "data": _details(world, call, transaction)}
    return service_reply(body, SHOWN.code, world.switches)


def _details(world: World, call: Call, transaction: Transaction) -> dict[str, Any]:
    units, reward = (
        transaction.units_before(_visible_until(world)),
        world.rewards[transaction.reward_id],
    )
    plan, kind = transaction.plan, _redemption_type(reward, transaction)
    return {
        "rewardTransactionId": str(transaction.transaction_id),
        "customerId": transaction.customer_id,
        "orgId": transaction.org_id,
        "rewardIssueRefId": transaction.reference,
        "rewardTransactionDate": int(transaction.at * 1000),
        "status": transaction.status_with(len(units)).as_json(),
        "quantity": len(units),
        "requestedQuantity": transaction.requested,
        "groupRedemption": transaction.by_group,
        "rewardDetails": {
            "rewardId": reward.reward_id,
            "languageCode": "en",
            "name": reward.name,
            "groups": [],
            "intouchPoints": reward.points,
            "redemptionType": kind,
            "images": [],
            "videos": [],
        },
        "pointsRedemption": {
            "redeemedPoints": sum(unit.points for unit in units),
            "pointsRedemptionRefId": transaction.points_refs[0]
            if transaction.points_refs
            else None,
            "pointsRedemptionRefIds": transaction.points_refs,
            "status": REDEEMED.as_json(),
        },
        "redemptionDetails": {
            "redemptionType": kind,
            "totalRedemptionValue": float(plan.value) if plan and plan.value is not None else None,
        },
        **_vouchers(call, reward, units),
        "customFields": None,
        "ownerId": "",
        **_dates(transaction),
    }


def _vouchers(call: Call, reward: Reward, units: list[Unit]) -> dict[str, Any]:
    raw = call.query.get("coupon_code_case", call.query.get("couponcodecase", "UPPER"))
    change_case = CASES.get(raw.upper(), str.upper)
    codes = [(change_case(unit.voucher), unit.points) for unit in units]
    texts = [
        json.dumps({"voucher": code, "pointsRedeemed": str(points)} if code else {})
        for code, points in codes
    ]
    return {
        "vouchers": [{"code": code} for code, _ in codes] if reward.kind == "coupon" else [],
        "vendorRewards": {
            "rewards": [{"json": text} for text in texts] if reward.kind == "vendor" else []
        },
        "promotions": [{"code": code} for code, _ in codes] if reward.kind == "promotion" else None,
    }


def _dates(transaction: Transaction) -> dict[str, str]:
    issued = datetime.fromtimestamp(transaction.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"eventDateTime": transaction.event_date_time or issued, "issueDateTime": issued}


def _redemption_type(reward: Reward, transaction: Transaction) -> str:
    if transaction.plan is not None and transaction.plan.value is not None:
        return "MILES"
    return REDEMPTION_TYPES[reward.kind]


def _size(call: Call, *, default: int, largest: int) -> int:
    size = _number(call.query.get("size", str(default)))
    if not 1 <= size <= largest:
        raise RefusalError(READ_PAGE_INVALID)
    return size


def _number(raw: str) -> int:
    if not raw.isdecimal():
        raise RefusalError(READ_PAGE_INVALID)
    return int(raw)
