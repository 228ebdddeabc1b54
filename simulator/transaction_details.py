"""One transaction in full, as the detail reads show it (rewards-api §8)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from simulator.catalogue import Reward
from simulator.statuses import Status
from simulator.transactions import Transaction, Unit

REDEEMED = Status(200, "Points redeemed successfully.")
CASES: dict[str, Callable[[str], str]] = {"UPPER": str.upper, "LOWER": str.lower, "AS_IT_IS": str}
REDEMPTION_TYPES = {"coupon": "INTOUCH_REWARD", "promotion": "CART_PROMOTION", "vendor": "VOUCHER"}


def details_json(
    transaction: Transaction, reward: Reward, units: list[Unit], case: str
) -> dict[str, Any]:
    """A transaction with these of its units; `case` is that of coupon codes, UPPER by default."""
    plan, kind = transaction.plan, redemption_type(reward, transaction)
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
        **_vouchers(reward, units, case),
        "customFields": None,
        "ownerId": "",
        **dates(transaction),
    }


def _vouchers(reward: Reward, units: list[Unit], case: str) -> dict[str, Any]:
    change_case = CASES.get(case, str.upper)
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


def dates(transaction: Transaction) -> dict[str, str]:
    """When the transaction was made and, as the caller gave it, when its event was."""
    issued = datetime.fromtimestamp(transaction.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"eventDateTime": transaction.event_date_time or issued, "issueDateTime": issued}


def redemption_type(reward: Reward, transaction: Transaction) -> str:
    """The reward's kind in the words of the reads."""
    if transaction.plan is not None and transaction.plan.value is not None:
        return "MILES"
    return REDEMPTION_TYPES[reward.kind]
