"""Counts the units issued in each limit's window and how many more are allowed."""

from collections import Counter
from dataclasses import dataclass

from simulator.reward import Limit, Reward
from simulator.statuses import Status, limit_reached

SECONDS_PER_DAY = 86_400
DAYS_IN_PERIOD = {"DAYS": 1, "WEEKS": 7, "MONTHS": 30}


@dataclass(frozen=True, slots=True)
class Room:
    """The number of units still allowed, and the status once there are none."""

    units: int
    reason: Status


class LimitCounters:
    """The counters of all limits; a window is a number of whole UTC days."""

    def __init__(self) -> None:
        self._issued: Counter[tuple[int, int | None, int]] = Counter()

    def room(self, reward: Reward, customer_id: int, now: float) -> Room | None:
        """The tightest of the reward's limits at `now` (epoch seconds); None when it has none."""
        rooms = [
            Room(limit.units - self._issued[key], limit_reached(limit.period, limit.units, level))
            for limit, level, key in _limits(reward, customer_id, now)
        ]
        return min(rooms, key=lambda room: room.units, default=None)

    def take(self, reward: Reward, customer_id: int, now: float, units: int) -> None:
        """Count issued units against every limit of the reward."""
        for _, _, key in _limits(reward, customer_id, now):
            self._issued[key] += units


def _limits(
    reward: Reward, customer_id: int, now: float
) -> list[tuple[Limit, str, tuple[int, int | None, int]]]:
    found: list[tuple[Limit, str, tuple[int, int | None, int]]] = []
    if limit := reward.customer_limit:
        found.append((limit, "CUSTOMER", (reward.reward_id, customer_id, _window(limit, now))))
    if limit := reward.reward_limit:
        found.append((limit, "REWARD", (reward.reward_id, None, _window(limit, now))))
    return found


def _window(limit: Limit, now: float) -> int:
    if limit.period == "NO_LIMIT":
        return 0
    return int(now // (SECONDS_PER_DAY * DAYS_IN_PERIOD[limit.period] * limit.every))
