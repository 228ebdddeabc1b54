"""What a reservation of call slots grants, and what must be known to give the rest of it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Reservation:
    """Call slots under the shared rate."""

    delays_seconds: tuple[float, ...]
    """One for each granted slot, ascending: start the call no sooner than so long after the reply came."""
    next_free_seconds: float
    """In so many seconds a further slot can be granted, as far as is known now; 0 or more."""
    closings: int
    """Closings of the account in a row; above 0, one call a second is granted, to probe."""
    failures: int
    """Calls in a row without a readable answer, over all workers."""
    era: int
    """The number of closings ever: tells which calls were granted before the newest one."""
    interval_microseconds: int
    """Between two slots; 0 when the rate is unlimited."""
    mark: int
    """Where the grid of the rate stood after this reservation."""
    lowered: int = 0
    """How often the ceiling had been lowered, ever: tells which calls were granted before it was the last time."""

    @classmethod
    def read(cls, reply: Sequence[int]) -> Self:
        """Read the reply of the RESERVE script."""
        granted, ahead, interval, further, closings, failures, era, mark, lowered = reply
        return cls(
            delays_seconds=tuple(max(0, ahead + place * interval) / MICROSECONDS for place in range(1, granted + 1)),
            next_free_seconds=further / MICROSECONDS,
            closings=closings,
            failures=failures,
            era=era,
            interval_microseconds=interval,
            mark=mark,
            lowered=lowered,
        )

    @property
    def failing(self) -> bool:
        """Whether something was wrong with the account, so that an answer is news to all workers."""
        return self.closings > 0 or self.failures > 0
