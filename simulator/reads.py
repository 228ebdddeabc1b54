"""The read endpoints, which never show a requestId (rewards-api §8)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from simulator.access import Caller
from simulator.account import Account
from simulator.calls import Call
from simulator.customers import LOOKUP_NAMES
from simulator.fields import owner_type_in
from simulator.older_details import older_details
from simulator.replies import Reply, json_reply, service_reply
from simulator.reward import Reward
from simulator.statuses import READ_NOT_FOUND, READ_PAGE_INVALID, RefusalError, Status
from simulator.switches import Switches
from simulator.transaction_details import dates, details_json, owner_of, redemption_type
from simulator.transactions import Transaction
from simulator.world import World

LISTED = Status(200, "Reward issue transactions fetched successfully")
SHOWN = Status(200, "Reward issue transactions details fetched successfully")
CUSTOMER_NOT_FOUND = 8015
LOOKUP_INVALID = 8045
LARGEST_SIZE = 1_000


@dataclass(frozen=True, slots=True)
class View:
    """What one read may see: an account's records up to `until` (epoch seconds)."""

    account: Account
    call: Call
    until: float
    switches: Switches

    @classmethod
    def of(cls, world: World, call: Call, caller: Caller) -> Self:
        """The view of a caller now; reads lag behind as a switch says."""
        until = world.clock() - world.switches.read_lag_seconds
        return cls(world.accounts[caller.account], call, until, world.switches)

    def shows(self, transaction: Transaction) -> bool:
        """Whether a transaction is visible."""
        gone = transaction.state == "CANCELLED" and self.switches.revoked_read == "gone"
        return transaction.at <= self.until and not transaction.hidden and not gone

    def state_of(self, transaction: Transaction) -> dict[str, str]:
        """The state of a revoked transaction, if a switch says that reads show it."""
        shown = transaction.state == "CANCELLED" and self.switches.revoked_read == "cancelled"
        return {"state": transaction.state} if shown else {}

    def reward_of(self, transaction: Transaction) -> Reward:
        """The reward of a transaction, with its current rules."""
        return self.account.rewards[transaction.reward_id]


def look_up_customer(world: World, call: Call, caller: Caller) -> Reply:
    """Find a customer's id by mobile, email or externalId; a new customer may be unknown."""
    kind = LOOKUP_NAMES.get(call.query.get("identifiername", ""))
    value = call.query.get("identifiervalue")
    if kind is None or not value:
        return _lookup_error(LOOKUP_INVALID, "identifierName or identifierValue is not valid")
    customer = world.accounts[caller.account].directory.find((kind, value))
    if customer is None:
        return _lookup_error(CUSTOMER_NOT_FOUND, "Customer not found")
    return json_reply(200, {"entity": customer.customer_id, "warnings": []})


def list_issuals(world: World, call: Call, caller: Caller) -> Reply:
    """A customer's transactions, successful and failed, newest first; pages count from 0."""
    customer_id = _number(call.parameters["customer_id"])
    view = View.of(world, call, caller)
    page = _Page(
        _number(call.query.get("page", "0")), _size(call, default=100, largest=LARGEST_SIZE)
    )
    return _list(view, view.account.journal.of_customer(customer_id), page)


def list_transactions(world: World, call: Call, caller: Caller) -> Reply:
    """The same for connected organisations; pages count from 1, and page 0 means all."""
    orgs = world.authenticator.orgs_for_reading(caller, call.headers)
    customer_id = _number(call.query.get("customerid", ""))
    view = View.of(world, call, caller)
    transactions = [
        entry for entry in view.account.journal.of_customer(customer_id) if entry.org_id in orgs
    ]
    size, number = _size(call, default=10, largest=50), _number(call.query.get("page", "1"))
    page = _Page(number - 1, size) if number else _Page(0, max(len(transactions), 1))
    return _list(view, transactions, page)


def show_issual(world: World, call: Call, caller: Caller) -> Reply:
    """One transaction of a customer, by both ids."""
    view = View.of(world, call, caller)
    found, wanted = _find(view), _number(call.parameters["customer_id"])
    return _show(view, found if found and found.customer_id == wanted else None)


def show_transaction(world: World, call: Call, caller: Caller) -> Reply:
    """One transaction by its id alone."""
    view = View.of(world, call, caller)
    return _show(view, _find(view))


def show_connected_transaction(world: World, call: Call, caller: Caller) -> Reply:
    """One transaction of an organisation in scope."""
    orgs = world.authenticator.orgs_for_reading(caller, call.headers)
    view = View.of(world, call, caller)
    found = _find(view)
    return _show(view, found if found and found.org_id in orgs else None)


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


def _find(view: View) -> Transaction | None:
    found = view.account.journal.find(_number(view.call.parameters["transaction_id"]))
    return found if found and view.shows(found) else None


def _list(view: View, transactions: Iterable[Transaction], page: _Page) -> Reply:
    entries = [
        entry
        for transaction in transactions
        if view.shows(transaction) and _is_wanted(view, transaction)
        for entry in [_entry(view, transaction)]
        if view.call.query.get("status", str(entry["status"]["success"])).lower()
        == str(entry["status"]["success"]).lower()
    ]
    shown = page.cut(entries)
    body = {
        "status": LISTED.as_json(),
        "rewardIssueTransactions": shown,
        "pagingDto": page.as_json(len(entries), len(shown)),
    }
    return service_reply(body, LISTED.code, view.switches)


def _is_wanted(view: View, transaction: Transaction) -> bool:
    query, reward = view.call.query, view.reward_of(transaction)
    kind, (owner_type, owner_id) = (
        redemption_type(reward, transaction),
        owner_of(transaction, reward),
    )
    wanted_owner = query.get("ownertype")
    references = query.get("pointsrefids")
    return (
        query.get("rewardid", str(transaction.reward_id)) == str(transaction.reward_id)
        and query.get("redemptiontype", kind) == kind
        # The pages spell it `CAMPAIGNS` in bodies and `Campaigns` in filters (rewards-api §9).
        and (wanted_owner is None or owner_type_in(wanted_owner) == owner_type)
        and query.get("ownerid", owner_id) == owner_id
        and query.get("groupname", reward.group) == reward.group
        and (references is None or bool(set(references.split(",")) & set(transaction.points_refs)))
    )


def _entry(view: View, transaction: Transaction) -> dict[str, Any]:
    units, reward = transaction.units_before(view.until), view.reward_of(transaction)
    owner_type, owner_id = owner_of(transaction, reward)
    return {
        "rewardTransactionId": str(transaction.transaction_id),
        "rewardIssueRefId": transaction.reference,
        "rewardTransactionDate": int(transaction.at * 1000),
        "status": transaction.status_with(len(units)).as_json(),
        "rewardDetails": {
            "rewardId": reward.reward_id,
            "name": reward.name,
            "groups": [reward.group] if reward.group else [],
            "rewardRank": 1,
            "enabled": reward.enabled,
        },
        "ownerType": owner_type,
        "ownerId": owner_id,
        "pointsRedemptionRefIds": transaction.points_refs
        if "pointsrefids" in view.call.query
        else None,
        "fulfillmentStatus": transaction.extras.fulfillment_status,
        "redemptionType": redemption_type(reward, transaction),
        **dates(transaction),
        **view.state_of(transaction),
    }


def _show(view: View, transaction: Transaction | None) -> Reply:
    if transaction is None:
        body: dict[str, Any] = {"status": [READ_NOT_FOUND.as_json()], "data": None}
        return service_reply(body, READ_NOT_FOUND.code, view.switches)
    raw = view.call.query.get("coupon_code_case", view.call.query.get("couponcodecase", "UPPER"))
    details = details_json(
        transaction,
        view.reward_of(transaction),
        transaction.units_before(view.until),
        raw.upper(),
        view.account.catalogue.points_vendor,
    )
    if view.switches.detail_format == "older":
        details = older_details(details)
    details |= view.state_of(transaction)
    return service_reply({"status": [SHOWN.as_json()], "data": details}, SHOWN.code, view.switches)


def _size(call: Call, *, default: int, largest: int) -> int:
    size = _number(call.query.get("size", str(default)))
    if not 1 <= size <= largest:
        raise RefusalError(READ_PAGE_INVALID)
    return size


def _number(raw: str) -> int:
    if not raw.isdecimal():
        raise RefusalError(READ_PAGE_INVALID)
    return int(raw)
