"""Finds what a request names: customer, groups, rewards and organisations."""

from collections.abc import Mapping
from typing import Any

from simulator.customers import Customer, GroupAccount, groups_named_in, identifier_in
from simulator.reward import Reward
from simulator.shop import Shop
from simulator.statuses import (
    CUSTOMER_UNKNOWN,
    EXTERNAL_ID_MISMATCH,
    EXTERNAL_ID_UNKNOWN,
    NO_IDENTIFIER,
    REWARD_UNKNOWN,
    RefusalError,
    group_unknown,
    invalid,
    not_in_group,
)


def find_customer(body: Mapping[str, Any], shop: Shop) -> Customer:
    """The customer of a request; raises RefusalError."""
    identifier = identifier_in(body)
    if identifier is None:
        raise RefusalError(NO_IDENTIFIER)
    customer = shop.directory.find_or_create(identifier)
    if customer is None:
        raise RefusalError(CUSTOMER_UNKNOWN)
    return customer


def find_group(place: Mapping[str, Any], customer: Customer, shop: Shop) -> GroupAccount | None:
    """The group that a body or an organisation's details name, of which the customer is a member.

    Several names must name the same group. Raises RefusalError with partner code 1632 or 1620.
    """
    found: GroupAccount | None = None
    for kind, value in groups_named_in(place):
        account = shop.directory.find_group(kind, value)
        if account is None or found not in (None, account):
            raise group_unknown(value)
        if customer.customer_id not in account.group.members:
            raise not_in_group(customer.customer_id, account.group.group_id)
        found = account
    return found


def find_reward(element: Mapping[str, Any], brand: str, org_id: int, shop: Shop) -> Reward:
    """The reward of a line, by one of its ids or both; raises RefusalError."""
    reward_id, external_id = element.get("rewardId"), element.get("rewardExternalId")
    if reward_id is None and external_id is None:
        raise invalid("rewardId must not be null")
    by_id = shop.rewards.get(int(str(reward_id))) if str(reward_id).isdecimal() else None
    if external_id is None:
        if by_id is None or not _is_offered(by_id, brand, org_id):
            raise RefusalError(REWARD_UNKNOWN)
        return by_id
    named = [
        reward
        for reward in shop.rewards.values()
        if reward.external_id == external_id and _is_offered(reward, brand, org_id)
    ]
    if not named:
        raise RefusalError(EXTERNAL_ID_UNKNOWN)
    if reward_id is not None and by_id is not named[0]:
        raise RefusalError(EXTERNAL_ID_MISMATCH)
    return named[0]


def _is_offered(reward: Reward, brand: str, org_id: int) -> bool:
    return reward.brand == brand and reward.org_id in (None, org_id)


def find_org(
    element: Mapping[str, Any], orgs: frozenset[int], details: Mapping[int, Any] | None
) -> int:
    """The organisation of a line, by default the only one in scope; raises RefusalError.

    `details` are those of the organisations in the body; None for calls that have none.
    """
    raw = element.get("orgId")
    if raw is None and len(orgs) == 1:
        return next(iter(orgs))
    if not str(raw).isdecimal() or int(str(raw)) not in orgs:
        raise invalid(f"orgId {raw} is not in the data scope")
    org_id = int(str(raw))
    if details is not None and org_id not in details:
        raise invalid(f"orgLevelDetails must contain orgId {org_id}")
    return org_id
