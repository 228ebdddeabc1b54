"""What the truth keeps of one requestId."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from simulator.orders import SINGLE_ELEMENT

Sent = Mapping[str, Mapping[str, Any]]

# The truth shows these elsewhere, or they are the same in every call of a campaign.
_ORDINARY_CALL = frozenset(
    {
        "mobile",
        "email",
        "emailId",
        "externalId",
        "brand",
        "transactionNumber",
        "rewards",
        "orgLevelDetails",
    }
)
_ORDINARY_SINGLE = _ORDINARY_CALL.union(SINGLE_ELEMENT)
_ORDINARY_REWARD = frozenset({"rewardId", "rewardExternalId", "quantity", "requestId", "orgId"})


def digest_of(raw: bytes) -> bytes:
    """A short digest of a body, by which its bytes can be compared with those that were meant."""
    return blake2b(raw, digest_size=8).digest()


def sent_fields(
    body: Mapping[str, Any], element: Mapping[str, Any], *, single: bool
) -> Sent | None:
    """The optional fields of one reward as they were sent: of the call, reward and organisation.

    None for a call that has none.
    """
    ordinary = _ORDINARY_SINGLE if single else _ORDINARY_CALL
    call = {name: body[name] for name in body.keys() - ordinary}
    reward = {name: element[name] for name in element.keys() - _ORDINARY_REWARD}
    organisation = _organisation_fields(body, element)
    if not (call or reward or organisation):
        return None
    return {"call": call, "reward": reward, "organisation": organisation}


def _organisation_fields(body: Mapping[str, Any], element: Mapping[str, Any]) -> dict[str, Any]:
    details = body.get("orgLevelDetails")
    for entry in details if isinstance(details, list) else ():
        if isinstance(entry, dict) and str(entry.get("orgId")) == str(element.get("orgId")):
            return {name: value for name, value in entry.items() if name != "orgId"}
    return {}


@dataclass(slots=True)
class Entry:
    """All that happened under one requestId; `customer` is the identifier as it was sent.

    Tuples use less memory than lists, and a large run has a million entries.
    """

    account: str
    digest: bytes
    customer: str | None
    reward_id: Any
    reference: str | None = None
    """The call's transactionNumber; None if it is the requestId itself."""
    sent: Sent | None = None
    org_id: int | None = None
    group_id: int | None = None
    requested: int = 1
    calls: int = 0
    concurrent_calls: int = 0
    differing_calls: int = 0
    points_charged: int = 0
    cash_charged: int = 0
    customer_id: int | None = None
    issued: int = 0
    revoked: int = 0
    vouchers: tuple[str, ...] = ()
    reversed_vouchers: tuple[str, ...] = ()
    transaction_ids: tuple[int, ...] = ()

    def as_json(self, request_id: str) -> dict[str, Any]:
        """The entry in the format of `GET /_truth`."""
        return {
            "requestId": request_id,
            "account": self.account,
            "orgId": self.org_id,
            "transactionNumber": request_id if self.reference is None else self.reference,
            "bodyDigest": self.digest.hex(),
            "sent": self.sent,
            "customer": self.customer,
            "customerId": self.customer_id,
            "rewardId": self.reward_id,
            "requested": self.requested,
            "issued": self.issued,
            "revoked": self.revoked,
            "vouchers": self.vouchers,
            "reversedVouchers": self.reversed_vouchers,
            "transactionIds": self.transaction_ids,
            "groupId": self.group_id,
            "pointsCharged": self.points_charged,
            "cashCharged": self.cash_charged,
            "calls": self.calls,
            "concurrentCalls": self.concurrent_calls,
            "differingCalls": self.differing_calls,
        }
