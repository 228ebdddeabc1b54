"""The limits of the account as they stand, for an operator's eyes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from worker.limits.reservation import MICROSECONDS


@dataclass(frozen=True, slots=True)
class LimitState:
    """The account's rate and closings at one moment."""

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

    @classmethod
    def read(cls, reply: Sequence[Any]) -> Self:
        """Read the reply of the STATE script."""
        rate, overridden, closed, closings, failures, why = reply
        return cls(rate, bool(overridden), closed / MICROSECONDS, closings, why, failures)


def check_rate(per_minute: int) -> int:
    """Hand back a rate that can be kept.

    Raises:
        ValueError: it is below 0.
    """
    if per_minute < 0:
        raise ValueError(f"A rate of {per_minute} calls a minute cannot be kept: give 0 (unlimited) or more")
    return per_minute
