"""The limits of the account as they stand, for an operator's eyes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from limiter.reservation import MICROSECONDS


@dataclass(frozen=True, slots=True)
class LimitState:
    """The account's rate, ceiling and closings at one moment."""

    rate_per_minute: int
    """Calls a minute in force; 0 is unlimited."""
    rate_overridden: bool
    """Whether the rate was set at run time, rather than by the setting."""
    closed_seconds: float
    """How much longer no call is granted; 0 is open."""
    closings: int
    """Closings in a row; above 0 with `closed_seconds` 0, single calls probe the account."""
    why: str
    """Why it was closed last; empty once a call has been answered."""
    failures: int
    """Calls in a row without a readable answer, over all workers."""
    ceiling_per_minute: int = 0
    """Calls a minute that what came back allows for now, below the rate; 0 when there is no such ceiling."""
    ceiling_why: str = ""
    """Why it was lowered last."""
    ceiling_seconds: float = 0.0
    """For how long there has been one."""

    @property
    def allowed_per_minute(self) -> int:
        """Calls a minute that may be made now, when the account is open; 0 is unlimited."""
        return self.ceiling_per_minute or self.rate_per_minute

    @property
    def is_held_back(self) -> bool:
        """Whether fewer calls are made than the rate allows: what is granted should go to background work first."""
        return self.closings > 0 or self.ceiling_per_minute > 0

    @classmethod
    def read(cls, reply: Sequence[Any]) -> Self:
        """Read the reply of the STATE script."""
        rate, overridden, closed, closings, failures, why, ceiling, ceiling_why, lasting = reply
        held = (ceiling, ceiling_why, lasting / MICROSECONDS) if ceiling else ()
        return cls(rate, bool(overridden), closed / MICROSECONDS, closings, why, failures, *held)


def check_rate(per_minute: int) -> int:
    """Hand back a rate that can be kept.

    Raises:
        ValueError: it is below 0.
    """
    if per_minute < 0:
        raise ValueError(f"A rate of {per_minute} calls a minute cannot be kept: give 0 (unlimited) or more")
    return per_minute
