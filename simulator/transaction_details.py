"""One transaction in full, as the detail reads show it (rewards-api §8)."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from simulator.reward import Media, Reward, Vendor
from simulator.statuses import Status
from simulator.transactions import Transaction, Unit
from simulator.vouchers import unit_json

REDEEMED = Status(200, "Points redeemed successfully.")
CASES: dict[str, Callable[[str], str]] = {"UPPER": str.upper, "LOWER": str.lower, "AS_IT_IS": str}
REDEMPTION_TYPES = {"coupon": "INTOUCH_REWARD", "promotion": "CART_PROMOTION", "vendor": "VOUCHER"}


def details_json(
    transaction: Transaction,
    reward: Reward,
    units: list[Unit],
    case: str,
    points_vendor: Vendor | None,
) -> dict[str, Any]:
    """A transaction with these of its units; `case` is that of coupon codes, UPPER by default."""
    plan, kind = transaction.plan, redemption_type(reward, transaction)
    owner_type, owner_id = owner_of(transaction, reward)
    value = reward.redemption_value if plan is None or plan.value is None else plan.value
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
        "rewardDetails": _reward_json(reward, kind),
        "pointsRedemption": _points_json(transaction, units, points_vendor),
        "redemptionDetails": {
            "redemptionType": kind,
            "totalRedemptionValue": None if value is None else float(value * len(units)),
        },
        **_vouchers(reward, units, case),
        "customFields": reward.custom_fields or None,
        "transactionCustomFields": transaction.extras.custom_fields,
        **_fulfillment(transaction),
        **_rich_content(reward),
        "ownerType": owner_type,
        "ownerId": owner_id,
        "groupName": reward.group,
        "eventLogId": transaction.event_log_id,
        **dates(transaction),
    }


def dates(transaction: Transaction) -> dict[str, str]:
    """When the transaction was made and, as the caller gave it, when its event was."""
    issued = _moment(transaction)
    return {"eventDateTime": transaction.event_date_time or issued, "issueDateTime": issued}


def redemption_type(reward: Reward, transaction: Transaction) -> str:
    """The reward's kind in the words of the reads."""
    if reward.redemption_type is not None:
        return reward.redemption_type
    if transaction.plan is not None and transaction.plan.value is not None:
        return "MILES"
    return REDEMPTION_TYPES[reward.kind]


def owner_of(transaction: Transaction, reward: Reward) -> tuple[str | None, str]:
    """Type and id of the transaction's owner; None and an empty id when it has none."""
    return transaction.extras.owner or reward.owner or (None, "")


def _moment(transaction: Transaction) -> str:
    return datetime.fromtimestamp(transaction.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _reward_json(reward: Reward, kind: str) -> dict[str, Any]:
    display, vendor = reward.display, reward.vendor
    details: dict[str, Any] = {
        "rewardId": reward.reward_id,
        "languageCode": "en",
        "name": reward.name,
        "description": display.description,
        "rewardRank": 1,
        "groups": [reward.group] if reward.group else [],
        "imageId": display.image_id,
        "imageUrl": display.image_url,
        "intouchPoints": reward.points,
        "redemptionType": kind,
        "images": [_media_json(image) for image in display.images],
        "videos": [_media_json(video) for video in display.videos],
    }
    if reward.kind == "coupon":
        details["intouchSeriesId"] = reward.coupon_series_id
    if vendor is not None:
        details |= {
            "vendorName": vendor.name,
            "vendorId": vendor.id,
            "vendorRedemptionId": vendor.redemption_id,
            "vendorRedemptionName": vendor.redemption_name,
        }
    return details


def _media_json(media: Media) -> dict[str, Any]:
    return {
        "name": media.name,
        "altText": media.alt_text,
        "id": media.id,
        "url": media.url,
        "isExternal": media.is_external,
    }


def _points_json(
    transaction: Transaction, units: list[Unit], vendor: Vendor | None
) -> dict[str, Any]:
    references = transaction.points_refs
    points: dict[str, Any] = {
        "redeemedPoints": sum(unit.points for unit in units),
        "pointsRedemptionRefId": references[0] if references else None,
        # The documents' sample of a free reward has a list that holds null.
        "pointsRedemptionRefIds": references or ([None] if units else []),
        "status": REDEEMED.as_json(),
    }
    return points | ({"vendorName": vendor.name, "vendorId": vendor.id} if vendor else {})


def _vouchers(reward: Reward, units: list[Unit], case: str) -> dict[str, Any]:
    change_case = CASES.get(case, str.upper)
    shown = [replace(unit, voucher=change_case(unit.voucher)) for unit in units]
    revenue = {"revenueDetails": reward.revenue_details} if reward.revenue_details else {}
    codes = [{"code": unit.voucher} for unit in shown]
    texts = [json.dumps(unit_json(reward, unit, units)) for unit in shown]
    return {
        "vouchers": [code | revenue for code in codes] if reward.kind == "coupon" else [],
        "vendorRewards": {
            "rewards": [{"json": text} for text in texts] if reward.kind == "vendor" else []
        },
        "promotions": codes if reward.kind == "promotion" else None,
    }


def _fulfillment(transaction: Transaction) -> dict[str, Any]:
    status = transaction.extras.fulfillment_status
    if status is None:
        return {"fulfillmentDetails": None, "fulfillmentDetailsAuditLog": []}
    first = {"status": status, "updatedOn": _moment(transaction)}
    return {"fulfillmentDetails": {"status": status}, "fulfillmentDetailsAuditLog": [first]}


def _rich_content(reward: Reward) -> dict[str, Any]:
    texts = reward.display.rich_content
    if not texts:
        return {}
    content = {name: {"content": text, "isEnabled": True} for name, text in texts.items()}
    # The page's table nests it in `languageSpecificInfo`; its samples show it outside.
    return {"richContentRO": content, "languageSpecificInfo": {"richContentRO": content}}
