"""Budgets: the most units and points of a campaign, what is used of them, and what still fits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from issuance.details.points import as_points

NOTICE_LEVELS = (50, 80, 100)
"""Percent of a budget that are reported."""
_FULL = 100
_ONE_POINT = 1000


class Amount(NamedTuple):
    """Units, and points in thousandths."""

    units: int = 0
    points: int = 0

    def plus(self, other: "Amount") -> "Amount":
        """Add up two."""
        return Amount(self.units + other.units, self.points + other.points)


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a campaign may issue; None: no bound."""

    units: int | None = None
    points: int | None = None
    """In thousandths."""

    @property
    def bounds(self) -> tuple[tuple[str, int], ...]:
        """The bounds that are set, by what they count."""
        both = (("units", self.units), ("points", self.points))
        return tuple((name, most) for name, most in both if most is not None)

    def allows(self, total: Amount) -> bool:
        """Return whether a total is within every bound."""
        return all(getattr(total, name) <= most for name, most in self.bounds)

    def percent(self, used: Amount) -> int:
        """Return the share that is used, in whole percent, of the bound that is used most."""
        shares = (_share(getattr(used, name), most) for name, most in self.bounds)
        return max(shares, default=0)


def _share(used: int, most: int) -> int:
    return used * _FULL // most if most else _FULL


def quantity_text(name: str, number: int) -> str:
    """Return `1,200 units`, or with thousandths of points `12.5 points`."""
    one = number == (1 if name == "units" else _ONE_POINT)
    return f"{number_text(name, number)} {name[:-1] if one else name}"


def number_text(name: str, number: int) -> str:
    """Return the number alone."""
    if name == "units":
        return f"{number:,}"
    whole, dot, rest = as_points(number).partition(".")
    return f"{int(whole):,}{dot}{rest}"


def level_reached(percent: int, notified: int) -> int | None:
    """Return the highest level that is reached and was not reported yet; None: there is none."""
    reached = [level for level in NOTICE_LEVELS if notified < level <= percent]
    return max(reached, default=None)


Prices = Mapping[str, int | None]
"""By reward key: expected points for a unit, in thousandths; None: not known."""


def expected_cost(prices: Prices, units_by_reward: Mapping[str, int]) -> Amount:
    """Return what these units cost; a reward whose points are not known costs none."""
    points = (units * (prices.get(reward) or 0) for reward, units in units_by_reward.items())
    return Amount(sum(units_by_reward.values()), sum(points))


def unpriced(prices: Prices, rewards: Iterable[str]) -> list[str]:
    """Return the rewards whose points are not known, in order."""
    return sorted({reward for reward in rewards if prices.get(reward) is None})


def points_used(prices: Prices, issued: Iterable[tuple[str, Amount]]) -> int:
    """Return the points that issued units have cost, by reward the larger of two figures.

    Answers do not always show the points that were redeemed, so that their sum may be too small:
    then the expected points count.
    """
    by_reward: dict[str, Amount] = {}
    for reward, amount in issued:
        by_reward[reward] = by_reward.get(reward, Amount()).plus(amount)
    return sum(
        max(amount.points, (prices.get(reward) or 0) * amount.units)
        for reward, amount in by_reward.items()
    )
