"""What a reply says of an issued reward: vouchers, payment, value and limits (§4.2, §4.3)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from simulator.issuance import LineResult
from simulator.pricing import Plan
from simulator.reward import Limit, Reward
from simulator.transactions import Unit

SECONDS_PER_DAY = 86_400
VOUCHERS_LAST = timedelta(days=365)


def payment_json(result: LineResult) -> dict[str, Any] | None:
    """How an issued reward was paid; None without a payment config or a unit."""
    plan = result.line.plan
    if not isinstance(plan, Plan) or plan.config is None or not result.quantity:
        return None
    config: dict[str, Any] = {"paymentMode": plan.config.mode, "id": plan.config.id}
    if plan.value is None:
        return config | {"points": float(plan.price)}
    return config | {"conversionRatio": float(plan.config.ratio)}


def redemption_json(result: LineResult, *, single: bool) -> dict[str, Any] | None:
    """What an issued reward is worth; None for rewards without a value.

    The documents call the value of a single issue without a conversion ratio `redemptionValue`.
    """
    plan, reward = result.line.plan, result.line.reward
    if not isinstance(plan, Plan) or not result.quantity:
        return None
    if plan.value is not None:
        return {
            "redemptionType": "MILES",
            "totalRedemptionValue": float(plan.value * result.quantity),
        }
    if reward.redemption_value is None:
        return None
    name = "redemptionValue" if single else "totalRedemptionValue"
    return {
        "redemptionType": reward.redemption_type or "MILES",
        name: float(reward.redemption_value * result.quantity),
    }


def restrictions_json(reward: Reward) -> dict[str, Any] | None:
    """The limits of a reward; None when it has none."""
    levels = {"customerLevel": reward.customer_limit, "rewardLevel": reward.reward_limit}
    if not any(levels.values()):
        return None
    return {name: [_limit_json(limit)] if limit else [] for name, limit in levels.items()}


def _limit_json(limit: Limit) -> dict[str, Any]:
    return {
        "kpi": "QUANTITY",
        "limit": limit.units,
        "repeatFrequencyType": limit.period,
        "interval": limit.every,
    }


def voucher_json(result: LineResult, unit: Unit) -> dict[str, Any]:
    """One of the shown units in the format of its kind of reward."""
    plan, reward = result.line.plan, result.line.reward
    fields = unit_json(reward, unit, result.units)
    if fields and isinstance(plan, Plan):
        counted = len(result.units) if reward.kind == "vendor" else 1
        exact = plan.exact_points(counted)
        return fields if exact is None else fields | {"pointsRedeemedInDecimal": exact}
    return fields


def unit_json(reward: Reward, unit: Unit, shown: Sequence[Unit]) -> dict[str, Any]:
    """One of the `shown` units.

    In the documents' sample of several units, each of a vendor's objects has the points of all.
    """
    if not reward.shows_voucher:
        return {}
    counted = shown if reward.kind == "vendor" else (unit,)
    voucher: dict[str, Any] = {"pointsRedeemed": str(sum(each.points for each in counted))}
    match reward.kind:
        case "coupon":
            voucher |= {"couponCode": unit.voucher, "codeExpiry": _expiry(unit)}
        case "vendor":
            voucher |= {
                "voucher": unit.voucher,
                "valid_till": _expiry(unit)[:10],
                "offer_name": reward.name,
                "coupon_series_id": reward.coupon_series_id or str(reward.reward_id),
            }
        case "promotion":
            voucher |= {"promotionId": str(reward.reward_id), "promotionCode": unit.voucher}
    return voucher


def precise_expiry(kind: str, unit: Unit) -> dict[str, str]:
    """The expiry of a coupon in UTC, which only replies with a list of rewards give."""
    return {"codeExpiryDateTime": _expiry(unit).replace(" ", "T") + "Z"} if kind == "coupon" else {}


def _expiry(unit: Unit) -> str:
    return _expiry_of_day(int(unit.at // SECONDS_PER_DAY))


@lru_cache(maxsize=64)
def _expiry_of_day(day: int) -> str:
    issued = datetime.fromtimestamp(day * SECONDS_PER_DAY, UTC)
    return (issued + VOUCHERS_LAST).strftime("%Y-%m-%d %H:%M:%S")
