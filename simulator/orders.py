"""Reads an issue request into an order or refuses it: the validation step (§4.4, step 1)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from simulator.customers import Customer, GroupAccount
from simulator.fields import Extras, check_call_fields, organisations_in, read_extras
from simulator.lookups import find_customer, find_group, find_org, find_reward
from simulator.pricing import Plan, plan_line
from simulator.reward import Reward
from simulator.shop import Shop
from simulator.statuses import (
    BATCH_TOO_LARGE,
    BRAND_NOT_FOUND,
    DUPLICATE_REQUEST_ID,
    RefusalError,
    Status,
    invalid,
)
from simulator.switches import Switches
from simulator.tenders import check_tenders
from simulator.transactions import Payer

# Made once: `json.dumps` makes an encoder for each call with options.
SORTED = json.JSONEncoder(sort_keys=True)
# A single issue has these fields in common with a bulk call's reward element.
SINGLE_ELEMENT = (
    "quantity",
    "paymentConfig",
    "customFields",
    "fulfillmentDetails",
    "rewardOwnershipRO",
    "tender",
    "params",
    "requestId",
)


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One reward of an order; `plan` is a status when the line cannot be priced."""

    request_id: str | None
    reward: Reward
    plan: Plan | Status
    org_id: int
    element: Mapping[str, Any]
    extras: Extras
    payer: Payer
    """The customer or group whose points pay."""
    group: GroupAccount | None


@dataclass(frozen=True, slots=True)
class Order:
    """A valid issue request, from the `single` endpoint, the `connected` one or the bulk one."""

    single: bool
    connected: bool
    customer: Customer
    lines: tuple[OrderLine, ...]
    reference: str
    event_log_id: str | None
    event_date_time: str | None
    fingerprint: bytes

    @property
    def request_ids(self) -> list[str]:
        """The requestIds of the order's lines, without those that have none."""
        return [line.request_id for line in self.lines if line.request_id is not None]


def elements_in(body: Mapping[str, Any], reward_id: str | None) -> list[Mapping[str, Any]]:
    """The reward elements of a body; the body of a single issue is its own element."""
    if reward_id is not None:
        return [
            {"rewardId": reward_id, **{key: body[key] for key in SINGLE_ELEMENT if key in body}}
        ]
    elements = body.get("rewards")
    if not isinstance(elements, list):
        return []
    return [element for element in elements if isinstance(element, dict)]


def request_id_in(element: Mapping[str, Any]) -> str | None:
    """An element's requestId as text; None when it is absent or empty."""
    request_id = element.get("requestId")
    return None if request_id in (None, "") else str(request_id)


def read_order(
    body: Any,
    reward_id: str | None,
    shop: Shop,
    now: datetime,
    *,
    orgs: frozenset[int],
    connected: bool,
) -> Order:
    """Check a request body and resolve what it names.

    `reward_id` comes from the path of a single issue, else it is None. `orgs` are the organisations
    in scope. Raises RefusalError with the status of the reply.
    """
    if not isinstance(body, dict):
        raise invalid("Malformed JSON request")
    single = reward_id is not None
    _check_envelope(body, shop, now)
    elements = elements_in(body, reward_id)
    _check_elements(body, elements, reward_id, shop.switches)
    details = organisations_in(body, orgs) if connected else None
    request = _Request(body, single, orgs, details, shop)
    # Everything is checked before the customer is looked up, because the lookup may create one.
    drafts = [request.draft(element) for element in elements]
    check_tenders([(draft.plan, draft.element) for draft in drafts], body)
    customer = find_customer(body, shop)
    lines = tuple(request.line(draft, customer) for draft in drafts)
    event_log_id = body.get("eventLogId")
    return Order(
        single=single,
        connected=connected,
        customer=customer,
        lines=lines,
        reference=_reference(body, now),
        event_log_id=None if event_log_id is None else str(event_log_id),
        event_date_time=body.get("eventDateTime"),
        fingerprint=_fingerprint(customer, lines, elements, single=single),
    )


def _reference(body: Mapping[str, Any], now: datetime) -> str:
    # The read's samples show the second form for calls without a number.
    number = body.get("transactionNumber")
    return str(number) if number else f"Transaction-{int(now.timestamp() * 1000)}"


def _check_envelope(body: Mapping[str, Any], shop: Shop, now: datetime) -> None:
    for name in ("brand", "transactionNumber"):
        optional = name != "brand" and shop.switches.transaction_number == "optional"
        if body.get(name) in (None, "") and not optional:
            raise invalid(f"{name} must not be null")
    if str(body["brand"]) not in shop.brands:
        raise RefusalError(BRAND_NOT_FOUND)
    check_call_fields(body, now)


def _check_elements(
    body: Mapping[str, Any],
    elements: list[Mapping[str, Any]],
    reward_id: str | None,
    switches: Switches,
) -> None:
    if not elements or (reward_id is None and len(elements) != len(body["rewards"])):
        raise invalid("rewards must not be empty")
    if len(elements) > switches.max_rewards:
        raise RefusalError(BATCH_TOO_LARGE)
    for element in elements:
        if not isinstance(element.get("paymentConfig"), dict | None):
            raise invalid("paymentConfig must be an object")
    request_ids = [request_id for element in elements if (request_id := request_id_in(element))]
    if len(set(request_ids)) != len(request_ids):
        raise RefusalError(DUPLICATE_REQUEST_ID)


@dataclass(slots=True)
class _Draft:
    """A line before its payer is known."""

    reward: Reward
    plan: Plan | Status
    org_id: int
    element: Mapping[str, Any]
    extras: Extras


@dataclass(slots=True)
class _Request:
    """A checked body, the organisations in scope, and what the body says of them."""

    body: Mapping[str, Any]
    single: bool
    orgs: frozenset[int]
    details: Mapping[int, Mapping[str, Any]] | None
    shop: Shop

    def draft(self, element: Mapping[str, Any]) -> _Draft:
        """Resolve and price one line."""
        org_id = find_org(element, self.orgs, self.details)
        reward = find_reward(element, str(self.body["brand"]), org_id, self.shop)
        cap = self.shop.switches.conv_ratio_cap
        plan = plan_line(reward, element, single=self.single, cap=cap)
        extras = read_extras(element, self.body, self.shop)
        return _Draft(reward, plan, org_id, element, extras)

    def line(self, draft: _Draft, customer: Customer) -> OrderLine:
        """Find who pays: the group of the line's organisation, the call's group or the customer."""
        own = self.details.get(draft.org_id) if self.details else None
        group = find_group(own, customer, self.shop) if own else None
        group = group or find_group(self.body, customer, self.shop)
        return OrderLine(
            request_id_in(draft.element),
            draft.reward,
            draft.plan,
            draft.org_id,
            draft.element,
            draft.extras,
            group or customer,
            group,
        )


def _fingerprint(
    customer: Customer,
    lines: tuple[OrderLine, ...],
    elements: list[Mapping[str, Any]],
    *,
    single: bool,
) -> bytes:
    # The documents do not define it. The strict reading: recipient and every reward element.
    groups = [line.group and line.group.group.group_id for line in lines]
    text = SORTED.encode([single, customer.customer_id, groups, elements])
    return blake2b(text.encode(), digest_size=12).digest()
