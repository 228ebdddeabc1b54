"""The samples of the issue pages, with made-up values: what is sent and what is answered.

`ANY` stands for a value that only the simulator can know. Numbers are the simulator's where a
sample contradicts itself: one page takes 10 points under a payment config of 50.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contract.simulator.sample_catalogue import ANY, CHILD, CUSTOMER, NUMBERED, ORG, SUCCESS

EMPTY = {"intouch": None, "promotion": None, "vendor": None}
NO_COUPON = EMPTY | {"paymentConfig": None, "fulfillmentDetails": None, "customFields": None}
COUPON = {
    "status": SUCCESS,
    "intouch": {"pointsRedeemed": "1", "couponCode": ANY, "codeExpiry": ANY},
    "promotion": None,
    "vendor": None,
    "transactionId": ANY,
    "paymentConfig": None,
    "fulfillmentDetails": None,
    "customFields": None,
}


def refused(code: int, message: str, partner: str | None = None) -> dict[str, Any]:
    """The status of a refusal."""
    status: dict[str, Any] = {"success": False, "code": code, "message": message}
    if partner is not None:
        status["partnerError"] = {"codes": [ANY], "messages": [partner]}
    return {"status": status}


@dataclass(frozen=True)
class Sample:
    """A request and its documented answer; `reward` is in the path of a single issue."""

    name: str
    body: Mapping[str, Any]
    answer: Mapping[str, Any]
    reward: int | None = None
    scope: Mapping[str, str] = field(default_factory=dict)


def _connected(org: int) -> dict[str, Any]:
    reward = {"rewardId": 35, "quantity": 1, "orgId": org, "paymentConfig": {"redemptionValue": 1}}
    return {
        "brand": "TEA",
        "transactionNumber": "123456789",
        "orgLevelDetails": [{"orgId": org}],
        "rewards": [reward],
        "externalId": "E-371",
    }


def _connected_answer(org: int) -> dict[str, Any]:
    voucher = {
        "valid_till": ANY,
        "voucher": ANY,
        "pointsRedeemed": "2",
        "offer_name": "tea-miles",
        "coupon_series_id": "234",
    }
    entry = {
        "status": SUCCESS,
        "orgId": org,
        "transactionId": ANY,
        "rewardId": 35,
        "requestedQuantity": 1,
        "quantity": 1,
        "pointsReferenceId": ANY,
        "pointsReferenceIds": [ANY],
        "eventLogId": None,
        "requestId": None,
        "intouch": None,
        "promotions": [],
        "vendor": [voucher],
        "restrictions": None,
        "paymentConfig": {"paymentMode": "CONV_RATIO", "id": 54, "conversionRatio": 0.5},
        "fulfillmentDetails": None,
        "customFields": None,
        "redemptionDetails": {"redemptionType": "MILES", "totalRedemptionValue": 1},
    }
    return {"status": SUCCESS, "rewards": [entry]}


_MILES = {
    "status": SUCCESS,
    "intouch": None,
    "transactionId": ANY,
    "promotion": None,
    "vendor": {},
    "paymentConfig": {"paymentMode": "CONV_RATIO", "id": 3799, "conversionRatio": 0.44},
    "redemptionDetails": {"redemptionType": "MILES", "totalRedemptionValue": 1000},
    "fulfillmentDetails": None,
    "customFields": None,
    "eventLogId": None,
    "requestId": None,
}
_NO_PAYMENT = "Invalid payment mode passed."
_NOT_REDEEMABLE = "fail to issue reward as  points are not redeemable"
_STRANGER = "user 371 does not belong to group 124"

ISSUES = (
    # rewards-api §3.3 and §4.3
    Sample("connected SELF", _connected(ORG), _connected_answer(ORG), scope={"DATA-SCOPE": "SELF"}),
    Sample(
        "connected OTHER",
        _connected(CHILD),
        _connected_answer(CHILD),
        scope={"DATA-SCOPE": "OTHER", "DATA-SCOPE-ORG": str(CHILD)},
    ),
    # rewards-api §3.1 and §4.2
    Sample("by mobile", NUMBERED | {"notes": "test"}, COUPON, 40),
    Sample(
        "by external id",
        {"externalId": "E-371", "brand": "TEA", "transactionNumber": "01987"},
        COUPON,
        40,
    ),
    Sample(
        "by e-mail",
        {"emailId": "e@example.test", "brand": "TEA", "transactionNumber": "1", "notes": "test"},
        COUPON,
        40,
    ),
    Sample(
        "with an owner",
        NUMBERED | {"rewardOwnershipRO": {"ownerType": "CAMPAIGNS", "ownerId": "abc7"}},
        {"status": SUCCESS},
        39,
    ),
    Sample("with a programme", NUMBERED | {"notes": "test", "programId": "626"}, COUPON, 40),
    Sample(
        "paid with points",
        NUMBERED
        | {"paymentConfig": {"id": 55}, "eventLogId": "eventLogId124", "requestId": "req3"},
        COUPON
        | {
            "intouch": {"pointsRedeemed": "50", "couponCode": ANY, "codeExpiry": ANY},
            "paymentConfig": {"paymentMode": "POINTS", "id": 55, "points": 50.0},
            "redemptionDetails": {"redemptionType": "MILES", "redemptionValue": 2},
            "eventLogId": "eventLogId124",
            "requestId": "req3",
        },
        36,
    ),
    Sample(
        "of a value in miles", CUSTOMER | {"paymentConfig": {"redemptionValue": 1000}}, _MILES, 37
    ),
    Sample(
        "payment mode of another reward",
        NUMBERED | {"paymentConfig": {"id": 99}},
        refused(12016, _NO_PAYMENT) | NO_COUPON,
        36,
    ),
    Sample(
        "payment block without an id",
        NUMBERED | {"paymentConfig": {}},
        refused(400, f"{_NO_PAYMENT},Payment configuration id is mandatory"),
        36,
    ),
    Sample(
        "not in the group",
        NUMBERED | {"user_group2_id": 124},
        refused(8004, f"fail to issue reward as {_STRANGER}", _STRANGER),
        40,
    ),
    Sample(
        "unknown group",
        NUMBERED | {"user_group2_primary_user_id": "381"},
        refused(8004, _NOT_REDEEMABLE, "group id/externalId/primary userId 381 passed is not valid")
        | EMPTY,
        40,
    ),
    Sample(
        "too few points",
        NUMBERED | {"mobile": "919800000372"},
        refused(
            8004,
            _NOT_REDEEMABLE,
            "points redemption rules/configuration not allowing redemption",
        )
        | EMPTY,
        40,
    ),
    Sample(
        "without a card of the series",
        NUMBERED,
        refused(12050, "User has no valid cards from card series linked to the reward.")
        | NO_COUPON
        | {"transactionId": ANY, "redemptionDetails": None, "eventLogId": None, "requestId": None},
        38,
    ),
)
