"""The older form of a transaction's details, of which one of the documents' samples is left."""

from typing import Any

NOT_YET = (
    "customerId",
    "orgId",
    "requestedQuantity",
    "redemptionDetails",
    "vendorRewards",
    "transactionCustomFields",
    "fulfillmentDetails",
    "fulfillmentDetailsAuditLog",
    "eventLogId",
    "eventDateTime",
    "issueDateTime",
)
NO_LONGER = (
    "pointsRedemptionCheck",
    "issueReward",
    "revokeReward",
    "constraintsCheck",
    "catalogPromotions",
    "appliedPromotions",
    "groupRank",
    "rewardRank",
)
POINTS_NO_LONGER = ("referenceId", "stageReferenceId", "requestBody", "responseBody", "headers")


def older_details(details: dict[str, Any]) -> dict[str, Any]:
    """Rewrite the details of a transaction in the older form; the facts that it has stay true."""
    points = details["pointsRedemption"]
    points = {name: points[name] for name in points if name != "pointsRedemptionRefIds"}
    kept = {name: value for name, value in details.items() if name not in NOT_YET}
    return {
        **kept,
        **dict.fromkeys(NO_LONGER),
        "pointsRedemption": {**points, **dict.fromkeys(POINTS_NO_LONGER)},
    }
