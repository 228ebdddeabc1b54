"""How many units a request asks for and what they cost: the quantity rules of rewards-api §7."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from simulator.reward import PaymentConfig, Reward
from simulator.statuses import (
    PAYMENT_CONFIG_AMBIGUOUS,
    PAYMENT_CONFIG_ID_MISSING,
    PAYMENT_CONFIG_INVALID,
    RefusalError,
    Status,
    invalid,
)

THOUSANDTH = Decimal("0.001")
# Not documented: it keeps a typing error from filling the simulator's memory.
LARGEST_UNITS = 1_000


@dataclass(frozen=True, slots=True)
class Plan:
    """A reward line's `units` and the `price` of each in points (exact, not rounded)."""

    units: int
    price: Decimal
    config: PaymentConfig | None = None
    value: Decimal | None = None

    def points_for(self, units: int) -> int:
        """Points of the first `units` units; the total is rounded half up, as in the documents."""
        return int((self.price * units).to_integral_value(ROUND_HALF_UP))

    @property
    def cash(self) -> int:
        """Money for all units, which a tender has to pay."""
        return self.units * self.config.cash if self.config is not None else 0

    def exact_points(self, units: int) -> str | None:
        """`pointsRedeemedInDecimal` with three decimals; None except for CONV_RATIO."""
        if self.value is None:
            return None
        return str((self.price * units).quantize(THOUSANDTH, ROUND_HALF_UP))


def read_quantity(element: Mapping[str, Any]) -> int:
    """The whole part of `quantity` (1.56 counts as 1), 1 when absent; refuses less than 1."""
    raw = element.get("quantity")
    if raw is None:
        return 1
    quantity = whole_number(raw, "quantity")
    if quantity < 1:
        raise invalid("quantity must be greater than or equal to 1")
    return quantity


def choose_config(reward: Reward, element: Mapping[str, Any]) -> PaymentConfig | Status | None:
    """The payment config that pays for a line, or a status when the choice is invalid.

    The id may be absent if the reward has a single config and the line gives a value, as in the
    documents' samples. Any other block without an id is refused (rewards-api §6.1, code 400).
    """
    given = element.get("paymentConfig")
    configs = reward.payment_configs
    if given is not None and given.get("id") is not None:
        chosen = [config for config in configs if str(config.id) == str(given["id"])]
        return chosen[0] if chosen else PAYMENT_CONFIG_INVALID
    if len(configs) > 1:
        return PAYMENT_CONFIG_AMBIGUOUS
    if given is not None and not ({"redemptionValue", "points"} & given.keys()):
        raise RefusalError(PAYMENT_CONFIG_ID_MISSING)
    return configs[0] if configs else None


def plan_line(
    reward: Reward, element: Mapping[str, Any], *, single: bool, cap: int
) -> Plan | Status:
    """Units and price of one line; the `single` endpoint issues exactly one unit.

    `cap` is the largest quantity of a CONV_RATIO reward given without a value; 0 means none.
    """
    quantity = read_quantity(element)
    config = choose_config(reward, element)
    if isinstance(config, Status):
        return config
    units = 1 if single else quantity
    if config is not None and config.mode == "CONV_RATIO":
        return _bounded(_plan_by_ratio(config, element, units, quantity, cap))
    return _bounded(_plan_by_price(units, config.points if config else reward.points, config))


@lru_cache(maxsize=1024)
def _plan_by_price(units: int, points: int, config: PaymentConfig | None) -> Plan:
    # Cached, so that a million equal orders share one plan.
    return Plan(units, Decimal(points), config)


def _bounded(plan: Plan) -> Plan:
    if plan.units > LARGEST_UNITS:
        raise invalid(f"quantity must be less than or equal to {LARGEST_UNITS}")
    return plan


def _plan_by_ratio(
    config: PaymentConfig, element: Mapping[str, Any], units: int, quantity: int, cap: int
) -> Plan:
    given = element.get("paymentConfig") or {}
    if given.get("points") is not None:
        points = _number(given["points"], "paymentConfig.points")
        return Plan(units, points, config, points * config.ratio)
    if given.get("redemptionValue") is not None:
        value = _number(given["redemptionValue"], "paymentConfig.redemptionValue")
        return Plan(units, value / config.ratio, config, value)
    if cap and quantity > cap:
        raise invalid(
            f"Maximum quantity allowed is {cap} when neither redemptionValue nor points is passed"
        )
    # Without a value, the quantity is the value of one unit.
    return Plan(1, quantity / config.ratio, config, Decimal(quantity))


def whole_number(raw: Any, name: str) -> int:
    """The whole part of a number, because the API cuts decimals; raises RefusalError."""
    return int(_number(raw, name))


def _number(raw: Any, name: str) -> Decimal:
    try:
        number = Decimal(str(raw))
    except InvalidOperation:
        raise invalid(f"{name} must be a number") from None
    if not number.is_finite() or number < 0:
        raise invalid(f"{name} must be a positive number")
    return number
