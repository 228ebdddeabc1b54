"""Counts the units issued in each limit's window and how many more are allowed."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from simulator.reward import Limit, Reward
from simulator.statuses import VOUCHER_MISSING, Status, limit_reached

DAYS_IN_PERIOD = {"DAYS": 1, "WEEKS": 7, "MONTHS": 30}
FIRST_DAY = datetime(1970, 1, 1).toordinal()  # noqa: DTZ001 - a date without a time


@dataclass(frozen=True, slots=True)
class Room:
    """The number of units still allowed, and the status once there are none."""

    units: int
    reason: Status


@dataclass(frozen=True, slots=True)
class Day:
    """The day of a moment (epoch seconds) in an IANA time zone."""

    moment: float
    zone: str

    @property
    def number(self) -> int:
        """Whole days since 1 January 1970, by the calendar of the zone."""
        return datetime.fromtimestamp(self.moment, ZoneInfo(self.zone)).toordinal() - FIRST_DAY


class LimitCounters:
    """The counters of all limits; a window is a number of whole days in the brand's zone."""

    def __init__(self) -> None:
        self._in_window: Counter[tuple[int, int | None, int]] = Counter()
        self._in_all: Counter[int] = Counter()

    def issued(self, reward: Reward) -> int:
        """The units of the reward that all customers got, those revoked later included."""
        return self._in_all[reward.reward_id]

    def room(self, reward: Reward, customer_id: int, day: Day) -> Room | None:
        """The tightest of the reward's limits and its stock; None when it has none."""
        rooms = [
            Room(
                limit.units - self._in_window[key], limit_reached(limit.period, limit.units, level)
            )
            for limit, level, key in _limits(reward, customer_id, day)
        ]
        if reward.stock is not None:
            rooms.append(Room(reward.stock - self.issued(reward), VOUCHER_MISSING))
        return min(rooms, key=lambda room: room.units, default=None)

    def take(self, reward: Reward, customer_id: int, day: Day, units: int) -> None:
        """Count issued units against every limit of the reward."""
        self._in_all[reward.reward_id] += units
        for _, _, key in _limits(reward, customer_id, day):
            self._in_window[key] += units


def _limits(
    reward: Reward, customer_id: int, day: Day
) -> list[tuple[Limit, str, tuple[int, int | None, int]]]:
    found: list[tuple[Limit, str, tuple[int, int | None, int]]] = []
    if limit := reward.customer_limit:
        found.append((limit, "CUSTOMER", (reward.reward_id, customer_id, _window(limit, day))))
    if limit := reward.reward_limit:
        found.append((limit, "REWARD", (reward.reward_id, None, _window(limit, day))))
    return found


def _window(limit: Limit, day: Day) -> int:
    if limit.period == "NO_LIMIT":
        return 0
    return day.number // (DAYS_IN_PERIOD[limit.period] * limit.every)
