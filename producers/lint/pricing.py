"""The expected cost of a row in points, by the quantity rules of rewards-api §7."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from issuance.endpoint import Variant
from issuance.reward_key import reward_key
from producers.fields.line import Reward
from producers.lint.rewards_file import PaymentTerms, RewardTerms


def expected_points(reward: Reward, terms: RewardTerms, variant: Variant) -> int:
    """Return the points that the row costs; its total is rounded half up.

    Cash is not counted. The API may issue less: limits, segments and the customer's balance apply.

    Args:
        reward: a reward that the lint does not refuse.
        terms: its terms.
        variant: the endpoint; `single` issues one unit whatever the quantity.
    """
    units = variant.endpoint.units(reward.quantity)
    config = terms.choose(reward.payment_config_id)
    if config is None:
        return _rounded(terms.points * units)
    if config.ratio is None or config.mode != "CONV_RATIO":
        return _rounded(
            (config.points or Decimal(0)) * units
            if config.mode not in ("FREE", "CASH")
            else Decimal(0)
        )
    if reward.points is not None:
        return _rounded(_exact(reward.points) * units)
    if reward.redemption_value is not None:
        return _rounded(_exact(reward.redemption_value) / config.ratio * units)
    # Without a value, the quantity is the value of one unit.
    return _rounded(units / config.ratio)


def unit_prices(rewards: Mapping[int | str, RewardTerms]) -> dict[str, int]:
    """Return what one unit costs in thousandths of a point, by the reward's key.

    Left out are rewards whose price depends on the row: several ways to pay, or a conversion ratio.
    """
    found = {}
    for name, terms in rewards.items():
        prices = {_fixed_price(config) for config in terms.payment_configs} or {terms.points}
        price = prices.pop() if len(prices) == 1 else None
        if price is not None:
            key = reward_key(0, name) if isinstance(name, str) else reward_key(name)
            found[key] = int((price * 1000).to_integral_value(ROUND_CEILING))
    return found


def _fixed_price(config: PaymentTerms) -> Decimal | None:
    if config.mode in ("FREE", "CASH"):
        return Decimal(0)
    return None if config.mode == "CONV_RATIO" else config.points


def redemption_value(reward: Reward, terms: RewardTerms) -> Decimal | None:
    """Return the value of one unit of a reward paid by conversion ratio, or None."""
    config = terms.choose(reward.payment_config_id)
    if config is None or config.ratio is None or config.mode != "CONV_RATIO":
        return None
    if reward.points is not None:
        return _exact(reward.points) * config.ratio
    return (
        Decimal(reward.quantity)
        if reward.redemption_value is None
        else _exact(reward.redemption_value)
    )


def _exact(amount: float) -> Decimal:
    """Return the number as it was written: a float keeps up to 15 digits exactly."""
    return Decimal(str(amount))


def _rounded(points: Decimal) -> int:
    return int(points.to_integral_value(ROUND_HALF_UP))
