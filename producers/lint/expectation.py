"""What a whole file is expected to cost in points: by what its rows ask for, and in all, in flat memory."""

from dataclasses import dataclass, field
from decimal import Decimal

from issuance.endpoint import Variant
from producers.fields.line import Reward
from producers.lint.pricing import expected_points, redemption_value
from producers.lint.rewards_file import RewardTerms

_ASKS_KEPT = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """What rows of one price have in common."""

    reward_id: int
    payment_config_id: int | None
    quantity: int
    redemption_value: float | None
    points: float | None


@dataclass(slots=True)
class Price:
    """What each row that asks for this is expected to cost."""

    points: int
    """For one reward."""
    value: Decimal | None
    """Redemption value of one unit, where the reward is paid by conversion ratio."""
    rows: int = 0


@dataclass(slots=True)
class Expectation:
    """The expected points of a file's rows."""

    points: int = 0
    rows: int = 0
    prices: dict[Asked, Price] = field(default_factory=dict)
    """In order of first appearance; the first 50, so that a million different values are no million entries."""

    @property
    def other_rows(self) -> int:
        """Rows that ask for something that is not in `prices`."""
        return self.rows - sum(price.rows for price in self.prices.values())

    @property
    def other_points(self) -> int:
        """Their points."""
        return self.points - sum(price.rows * price.points for price in self.prices.values())

    def add(self, reward: Reward, terms: RewardTerms, variant: Variant) -> None:
        """Count a row that would be accepted."""
        asked = Asked(
            reward.reward_id,
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
