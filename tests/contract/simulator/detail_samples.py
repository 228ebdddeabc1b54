"""The samples of the page that shows one transaction, with made-up values (rewards-api §8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.contract.simulator.sample_catalogue import ANY, ORG, SUCCESS

FOUND = {
    "success": True,
    "code": 200,
    "message": "Reward issue transactions details fetched successfully",
}  # fmt: skip
_REDEEMED = {"success": True, "code": 200, "message": "Points redeemed successfully."}


@dataclass(frozen=True)
class Detail:
    """A detail read: what is issued before it, and the documented `data` (rewards-api §8)."""

    name: str
    reward: int
    quantity: int
    data: Mapping[str, Any]
    form: str = "current"


DETAILS = (
    Detail(
        "vendor's vouchers",
        41,
        5,
        {
            "rewardTransactionId": ANY,
            "customerId": 371,
            "orgId": ORG,
            "rewardIssueRefId": "23444",
            "rewardTransactionDate": ANY,
            "status": SUCCESS,
            "quantity": 5,
            "requestedQuantity": 5,
            "groupRedemption": False,
            "rewardDetails": {
                "rewardId": 41,
                "languageCode": "en",
                "name": "Vendor's voucher",
                "description": "Description EN",
                "groups": [],
                "imageId": None,
                "imageUrl": None,
                "intouchPoints": 1,
                "redemptionType": "MILES",
                "vendorName": "test002",
                "vendorId": 38,
                "vendorRedemptionId": 2386,
                "vendorRedemptionName": "Vouchers of test002",
                "images": [],
                "videos": [],
            },
            "pointsRedemption": {
                "redeemedPoints": 5,
                "vendorName": "Points001",
                "pointsRedemptionRefId": ANY,
                "pointsRedemptionRefIds": [ANY],
                "status": _REDEEMED,
                "vendorId": 47,
            },
            "redemptionDetails": {"redemptionType": "MILES", "totalRedemptionValue": None},
            "vouchers": [],
            "vendorRewards": {"rewards": [{"json": {"voucher": ANY, "pointsRedeemed": "5"}}] * 5},
            "customFields": {"CF1": "one", "CF2": "two"},
            "richContentRO": {
                "RC1": {"content": "<p>1</p>", "isEnabled": True},
                "RC2": {"content": "<p>2</p>", "isEnabled": True},
            },
            "ownerId": "",
            "eventDateTime": ANY,
            "issueDateTime": ANY,
        },
    ),
    Detail(
        "older form",
        42,
        1,
        {
            "rewardTransactionId": ANY,
            "rewardIssueRefId": "23444",
            "rewardTransactionDate": ANY,
            "status": SUCCESS,
            "quantity": 1,
            "groupRedemption": False,
            "rewardDetails": {
                "rewardId": 42,
                "languageCode": "en",
                "name": "Coupon with revenue",
                "intouchPoints": 1,
                "intouchSeriesId": "1135336",
                "redemptionType": "INTOUCH_REWARD",
                "images": [],
                "videos": [],
            },
            "pointsRedemption": {
                "redeemedPoints": 1,
                "vendorName": "Points001",
                "referenceId": None,
                "pointsRedemptionRefId": ANY,
                "status": _REDEEMED,
                "stageReferenceId": None,
                "requestBody": None,
                "responseBody": None,
                "headers": None,
            },
            "pointsRedemptionCheck": None,
            "issueReward": None,
            "revokeReward": None,
            "constraintsCheck": None,
            "catalogPromotions": None,
            "appliedPromotions": None,
            "vouchers": [
                {
                    "code": ANY,
                    "revenueDetails": {"brandCommission": 1.0, "capillaryCommission": 0.0},
                }
            ],
            "promotions": None,
            "customFields": {"0a17": "defaultValue"},
            "ownerType": None,
            "ownerId": "",
            "groupName": None,
            "groupRank": None,
            "rewardRank": None,
        },
        form="older",
    ),
    Detail(
        "physical reward",
        43,
        1,
        {
            "rewardTransactionId": ANY,
            "customerId": 371,
            "orgId": ORG,
            "rewardIssueRefId": "23444",
            "status": SUCCESS,
            "quantity": 1,
            "requestedQuantity": 1,
            "groupRedemption": False,
            "rewardDetails": {
                "rewardId": 43,
                "redemptionType": "PHYSICAL_REWARD",
                "images": [
                    {
                        "name": "imageName",
                        "altText": "product picture",
                        "id": None,
                        "url": "pictures.example.test",
                        "isExternal": True,
                    }
                ],
                "videos": [ANY],
            },
            "pointsRedemption": {
                "redeemedPoints": 0,
                "pointsRedemptionRefIds": [None],
                "status": _REDEEMED,
            },
            "redemptionDetails": {
                "redemptionType": "PHYSICAL_REWARD",
                "totalRedemptionValue": None,
            },
            "vouchers": [],
            "vendorRewards": {"rewards": [{"json": {}}]},
            "ownerId": "",
        },
    ),
)
