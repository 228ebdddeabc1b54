"""Reads an issue request into an order or refuses it: the validation step (§4.4, step 1)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from simulator.catalogue import Reward
from simulator.customers import Customer, Directory, GroupAccount, group_field_in, identifier_in
from simulator.pricing import Plan, plan_line
from simulator.statuses import (
    BATCH_TOO_LARGE,
    BRAND_NOT_FOUND,
    CUSTOMER_UNKNOWN,
    DUPLICATE_REQUEST_ID,
    EXTERNAL_ID_MISMATCH,
    EXTERNAL_ID_UNKNOWN,
    NO_IDENTIFIER,
    REWARD_UNKNOWN,
    RefusalError,
    Status,
    group_unknown,
    invalid,
    not_in_group,
)
from simulator.switches import Switches
from simulator.transactions import Payer

EVENT_AHEAD_AT_MOST = timedelta(hours=24)
# A single issue has these fields in common with a bulk call's reward element.
SINGLE_ELEMENT = ("quantity", "paymentConfig", "customFields", "fulfillmentDetails", "requestId")


@dataclass(frozen=True, slots=True)
class Shop:
    """What a request is checked against: rewards, brands, customers and switches."""

    rewards: Mapping[int, Reward]
    brands: frozenset[str]
    directory: Directory
    switches: Switches


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One reward of an order; `plan` is a status when the line cannot be priced."""

    request_id: str | None
    reward: Reward
    plan: Plan | Status
    org_id: int
    element: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """A valid issue request, from the `single` endpoint, the `connected` one or the bulk one."""

    single: bool
    connected: bool
    customer: Customer
    group: GroupAccount | None
    lines: tuple[OrderLine, ...]
    reference: str
    event_log_id: str | None
    event_date_time: str | None
    fingerprint: bytes

    @property
    def payer(self) -> Payer:
        """The customer or group whose points pay."""
        return self.group or self.customer

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
    _check_envelope(body, shop, now)
    elements = elements_in(body, reward_id)
    _check_elements(body, elements, reward_id, shop.switches)
    lines = tuple(
        _read_line(element, reward_id is not None, orgs, body, shop) for element in elements
    )
    customer = _find_customer(body, shop)
    group = _find_group(body, customer, shop)
    event_log_id = body.get("eventLogId")
    return Order(
        single=reward_id is not None,
        connected=connected,
        customer=customer,
        group=group,
        lines=lines,
        reference=str(body["transactionNumber"]),
        event_log_id=None if event_log_id is None else str(event_log_id),
        event_date_time=body.get("eventDateTime"),
        fingerprint=_fingerprint(customer, group, elements, single=reward_id is not None),
    )


def _check_envelope(body: Mapping[str, Any], shop: Shop, now: datetime) -> None:
    for name in ("brand", "transactionNumber"):
        if body.get(name) in (None, ""):
            raise invalid(f"{name} must not be null")
    if str(body["brand"]) not in shop.brands:
        raise RefusalError(BRAND_NOT_FOUND)
    if body.get("eventDateTime") is not None:
        _check_event_date_time(body["eventDateTime"], now)


def _check_event_date_time(raw: Any, now: datetime) -> None:
    try:
        moment = datetime.strptime(str(raw), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise invalid("eventDateTime must be in the format yyyy-MM-ddTHH:mm:ssZ") from None
    if moment > now + EVENT_AHEAD_AT_MOST:
        raise invalid("eventDateTime must not be more than 24 hours ahead")


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


def _read_line(
    element: Mapping[str, Any],
    single: bool,  # noqa: FBT001 - private, and named at its only call
    orgs: frozenset[int],
    body: Mapping[str, Any],
    shop: Shop,
) -> OrderLine:
    reward = _find_reward(element, str(body["brand"]), shop.rewards)
    return OrderLine(
        request_id_in(element),
        reward,
        plan_line(reward, element, single=single, cap=shop.switches.conv_ratio_cap),
        _find_org(element, orgs),
        element,
    )


def _find_reward(element: Mapping[str, Any], brand: str, rewards: Mapping[int, Reward]) -> Reward:
    reward_id, external_id = element.get("rewardId"), element.get("rewardExternalId")
    if reward_id is None and external_id is None:
        raise invalid("rewardId must not be null")
    by_id = rewards.get(int(str(reward_id))) if str(reward_id).isdecimal() else None
    if external_id is None:
        if by_id is None or by_id.brand != brand:
            raise RefusalError(REWARD_UNKNOWN)
        return by_id
    named = [reward for reward in rewards.values() if reward.external_id == external_id]
    if not named or named[0].brand != brand:
        raise RefusalError(EXTERNAL_ID_UNKNOWN)
    if reward_id is not None and by_id is not named[0]:
        raise RefusalError(EXTERNAL_ID_MISMATCH)
    return named[0]


def _find_org(element: Mapping[str, Any], orgs: frozenset[int]) -> int:
    raw = element.get("orgId")
    if raw is None and len(orgs) == 1:
        return next(iter(orgs))
    if not str(raw).isdecimal() or int(str(raw)) not in orgs:
        raise invalid(f"orgId {raw} is not in the data scope")
    return int(str(raw))


def _find_customer(body: Mapping[str, Any], shop: Shop) -> Customer:
    identifier = identifier_in(body)
    if identifier is None:
        raise RefusalError(NO_IDENTIFIER)
    customer = shop.directory.find_or_create(identifier)
    if customer is None:
        raise RefusalError(CUSTOMER_UNKNOWN)
    return customer


def _find_group(body: Mapping[str, Any], customer: Customer, shop: Shop) -> GroupAccount | None:
    named = group_field_in(body)
    if named is None:
        return None
    account = shop.directory.find_group(*named)
    if account is None:
        raise group_unknown(named[1])
    if customer.customer_id not in account.group.members:
        raise not_in_group(customer.customer_id, account.group.group_id)
    return account


def _fingerprint(
    customer: Customer,
    group: GroupAccount | None,
    elements: list[Mapping[str, Any]],
    *,
    single: bool,
) -> bytes:
    # The documents do not define it. The strict reading: recipient and every reward element.
    text = json.dumps(
        [single, customer.customer_id, group and group.group.group_id, elements], sort_keys=True
    )
    return blake2b(text.encode(), digest_size=12).digest()
