"""The expected cost of a whole file in points, by price and in total, in constant memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from issuance.endpoint import Variant
from issuance.reward_key import reward_key
from producers.fields.line import Reward
from producers.lint.pricing import expected_points, redemption_value, unit_prices
from producers.lint.rewards_file import RewardTerms

_ASKS_KEPT = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """The fields that decide a row's price."""

    reward: int | str
    """Its id, or its external id."""
    payment_config_id: int | None
    quantity: int
    redemption_value: float | None
    points: float | None


@dataclass(slots=True)
class Price:
    """The expected cost of each row with the same `Asked`."""

    points: int
    """For one row."""
    value: Decimal | None
    """Redemption value of one unit, if the reward is paid by conversion ratio."""
    rows: int = 0


@dataclass(slots=True)
class Expectation:
    """The expected points of a file's rows."""

    points: int = 0
    rows: int = 0
    prices: dict[Asked, Price] = field(default_factory=dict)
    """The first 50 prices, in order of appearance: memory stays constant."""

    by_reward: dict[int | str, tuple[int, int]] = field(default_factory=dict)
    """The units and points of each reward's rows; a rewards file bounds how many there are."""

    def unit_points(self, rewards: Mapping[int | str, RewardTerms]) -> dict[str, int]:
        """Return what one unit costs in thousandths of a point, by the reward's key.

        It is the reward's one price in the rewards file, or else the average of the rows, rounded
        up.
        """
        found = {
            reward_key(0, name) if isinstance(name, str) else reward_key(name): -(
                -points * 1000 // units
            )
            for name, (units, points) in self.by_reward.items()
        }
        fixed = unit_prices(rewards)
        return found | {reward: fixed[reward] for reward in found if reward in fixed}

    @property
    def other_rows(self) -> int:
        """Rows whose price is not in `prices`."""
        return self.rows - sum(price.rows for price in self.prices.values())

    @property
    def other_points(self) -> int:
        """The points of the rows whose price is not in `prices`."""
        return self.points - sum(price.rows * price.points for price in self.prices.values())

    def add(self, reward: Reward, terms: RewardTerms, variant: Variant) -> None:
        """Count a row that would be accepted."""
        asked = Asked(
            reward.reference,
            reward.payment_config_id,
            reward.quantity,
            reward.redemption_value,
            reward.points,
        )
        price = self.prices.get(asked) or Price(
            expected_points(reward, terms, variant), redemption_value(reward, terms)
        )
        price.rows += 1
        if len(self.prices) < _ASKS_KEPT:
            self.prices.setdefault(asked, price)
        self.points += price.points
        self.rows += 1
        units, points = self.by_reward.get(reward.reference, (0, 0))
        self.by_reward[reward.reference] = (
            units + variant.endpoint.units(reward.quantity),
            points + price.points,
        )
