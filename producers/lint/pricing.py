"""What a row is expected to cost in points: the quantity rules of rewards-api §7, as pure arithmetic."""

from decimal import ROUND_HALF_UP, Decimal

from issuance.endpoint import Variant
from producers.lint.rewards_file import RewardTerms
from producers.source import Row


def expected_points(row: Row, terms: RewardTerms, variant: Variant) -> int:
    """Points that the row's call takes for it, rounded half up on the row's total.

    Cash is not counted. Limits, segments and the customer's balance may keep the API from issuing
    all of it.

    Args:
        row: one that the lint does not refuse.
        terms: its reward's.
        variant: the endpoint; `single` issues one unit whatever the quantity.
    """
    units = variant.endpoint.units(row.quantity)
    config = terms.choose(row.payment_config_id)
    if config is None:
        return _rounded(terms.points * units)
    if config.ratio is None or config.mode != "CONV_RATIO":
        return _rounded(
            (config.points or Decimal(0)) * units
            if config.mode not in ("FREE", "CASH")
            else Decimal(0)
        )
    if row.points is not None:
        return _rounded(_exact(row.points) * units)
    if row.redemption_value is not None:
        return _rounded(_exact(row.redemption_value) / config.ratio * units)
    # Without a value the quantity itself is the value of one unit.
    return _rounded(units / config.ratio)


def redemption_value(row: Row, terms: RewardTerms) -> Decimal | None:
    """The value that one unit has, of a reward paid by conversion ratio; None for every other reward."""
    config = terms.choose(row.payment_config_id)
    if config is None or config.ratio is None or config.mode != "CONV_RATIO":
        return None
    if row.points is not None:
        return _exact(row.points) * config.ratio
    return Decimal(row.quantity) if row.redemption_value is None else _exact(row.redemption_value)


def _exact(amount: float) -> Decimal:
    """The number as it was written: a float's shortest decimal is that, since 15 digits at most are read."""
    return Decimal(str(amount))


def _rounded(points: Decimal) -> int:
    return int(points.to_integral_value(ROUND_HALF_UP))
