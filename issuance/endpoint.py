"""The issue endpoints: one entry holds all that the product knows of each (rewards-api §3, §8).

To add an endpoint, add a variant and its entry in ENDPOINTS: nothing else compares variants.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Literal


@dataclass(frozen=True, slots=True)
class DetailRead:
    """The call that reads one transaction."""

    path: str
    """Relative to the rewards API's root; holds {transaction} and, where needed, {customer}."""
    coupon_case: str = "couponCodeCase"
    """The query key that asks for voucher codes in their original case."""


@dataclass(frozen=True, slots=True)
class Reads:
    """The calls that read a customer's transactions."""

    list: str
    """Path of a page of transactions; the customer is in it as {customer}, or in the query."""
    detail: DetailRead
    detail_by_id: DetailRead
    """For callers that do not know the customer's id."""
    first_page: int = 0
    scoped: bool = False
    """Whether a header limits the reads to the account's data scope."""


OWN_READS = Reads(
    list="/v1/management/customer/{customer}/issuals",
    detail=DetailRead(
        "/v1/management/customer/{customer}/issuals/{transaction}", "coupon_code_case"
    ),
    detail_by_id=DetailRead("/v1/reward-transactions/{transaction}"),
)
_SCOPED_DETAIL = DetailRead("/v1.1/reward-transactions/{transaction}")
SCOPED_READS = Reads(
    list="/v1.1/reward-transactions",
    detail=_SCOPED_DETAIL,
    detail_by_id=_SCOPED_DETAIL,
    # Page 0 returns the whole list.
    first_page=1,
    scoped=True,
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What an issue endpoint accepts, and how it is called and reconciled."""

    path: str
    """Relative to the rewards API's root; may hold {reward_id}."""
    max_lines: int | None = None
    """Most rewards in one call; None: only ISSUANCE_JOB_MAX_LINES limits it."""
    max_units: int | None = None
    """Most units of one reward, whatever quantity is sent; None: no limit."""
    flat: bool = False
    """Whether the body is a single reward; otherwise it has a list of rewards."""
    counts_units: bool = True
    """Whether answers give the number of units; if not, a success is one unit."""
    needs_org: bool = False
    """Whether each reward names its organisation and the body has details of each one."""
    scoped: bool = False
    """Whether the headers carry the account's data scope."""
    takes_tender: bool = False
    """Whether the body has a place for how cash is paid."""
    documents_owner: bool = False
    """Whether the documentation says that the body may name the reward's owner (§9)."""
    email_key: Literal["email", "emailId"] = "email"
    """The JSON key of a customer's e-mail address; the documentation contradicts itself (§3.2)."""
    group_keys: Literal["snake", "camel"] = "camel"
    """The spelling of the keys of group ids; the documentation contradicts itself (§3.4)."""
    reads: Reads = OWN_READS

    @property
    def reward_in_path(self) -> bool:
        """Whether the reward is part of the path."""
        return "{reward_id}" in self.path

    def units(self, quantity: int) -> int:
        """The units that this endpoint issues for a quantity."""
        return quantity if self.max_units is None else min(quantity, self.max_units)


class Variant(StrEnum):
    """Which issue endpoint a job uses; it never changes for a requestId (rewards-api §5 item 7)."""

    SINGLE = "single"
    BULK = "bulk"
    CONNECTED = "connected"

    @cached_property
    def endpoint(self) -> Endpoint:
        """The endpoint's entry."""
        return ENDPOINTS[self]


DEFAULT_VARIANT = Variant.BULK
"""The endpoint that the vendor documents as the way to issue one reward (rewards-api §1)."""

ENDPOINTS: Mapping[Variant, Endpoint] = {
    Variant.SINGLE: Endpoint(
        path="/v1/user/reward/{reward_id}/issue",
        max_lines=1,
        max_units=1,
        flat=True,
        counts_units=False,
        takes_tender=True,
        documents_owner=True,
        email_key="emailId",
        group_keys="snake",
    ),
    Variant.BULK: Endpoint(path="/v1/user/rewards/issue"),
    Variant.CONNECTED: Endpoint(
        path="/v1.1/user/rewards/issue", needs_org=True, scoped=True, reads=SCOPED_READS
    ),
}
