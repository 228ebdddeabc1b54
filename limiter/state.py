"""The account's limits at one moment, for operators and for the release."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from limiter.reservation import MICROSECONDS


class Availability(StrEnum):
    """Whether calls of a scope may start."""

    AVAILABLE = "available"
    PROBING = "probing"
    """Single calls are granted, to find out whether the cause is gone."""
    SUSPENDED = "suspended"
    """No call is granted for some seconds."""


@dataclass(frozen=True, slots=True)
class BreakerState:
    """A circuit breaker: the account's, that of reads, or a campaign's."""

    availability: Availability = Availability.AVAILABLE
    until_seconds: float = 0.0
    """Seconds until the next probe may be made; 0 unless suspended."""
    for_seconds: float = 0.0
    """Seconds since it was suspended."""
    reason: str = ""
    """The last refusal; empty when available."""
    refused: int = 0
    """While available: weight of the refused calls in a row."""
    times: int = 0
    """While not available: suspensions within ten minutes of each other, with this one."""
    times_seconds: float = 0.0
    """Seconds since the first of them began."""

    @classmethod
    def read(cls, reply: Sequence[Any]) -> Self:
        """Read one breaker of the reply of `lua/state.lua`."""
        until, is_suspended, lasting, reason, refused, times, since_first = reply
        availability = Availability.AVAILABLE
        if is_suspended:
            availability = Availability.SUSPENDED if until > 0 else Availability.PROBING
        row = (times, since_first / MICROSECONDS) if is_suspended else (0, 0.0)
        return cls(
            availability, until / MICROSECONDS, lasting / MICROSECONDS, reason, refused, *row
        )

    @property
    def is_available(self) -> bool:
        """Whether calls may start without being probes."""
        return self.availability is Availability.AVAILABLE


@dataclass(frozen=True, slots=True)
class LimitState:
    """The account's rate, adaptive limit and suspensions."""

    rate_per_minute: int
    """Calls a minute in force; 0 is unlimited."""
    rate_overridden: bool
    """Whether the rate was set at run time instead of by the setting."""
    account: BreakerState = BreakerState()
    reads: BreakerState = BreakerState()
    campaigns: Mapping[int, BreakerState] = field(default_factory=dict)
    """The suspended campaigns, by id."""
    adaptive_limit_per_minute: int = 0
    """Calls a minute, below the rate; 0 when there is no adaptive limit."""
    adaptive_limit_reason: str = ""
    """Why it was lowered last: `throttled`, `failures`, `latency` or `recovery`."""
    adaptive_limit_seconds: float = 0.0
    """Seconds since it was first set."""
    unrelated_share: float = 0.0
    """Share of calls that fail at any rate: the limit is not lowered for them."""
    call_seconds: float | None = field(default=None, compare=False)
    """Mean duration of the latest calls with a readable answer; None if unknown."""
    calls: int = field(default=0, compare=False)
    """Issuing calls that were ever reported."""
    answered_seconds: float | None = field(default=None, compare=False)
    """Seconds since the newest call with a readable answer ended; None: there was none."""

    @property
    def allowed_per_minute(self) -> int:
        """Calls a minute that may be made when the account is available; 0 is unlimited."""
        return self.adaptive_limit_per_minute or self.rate_per_minute

    @property
    def is_held_back(self) -> bool:
        """Whether fewer calls are made than the rate allows; background work then goes first."""
        return not self.account.is_available or self.adaptive_limit_per_minute > 0

    @classmethod
    def read(cls, reply: Mapping[str, Any], campaigns: Sequence[int]) -> Self:
        """Read the reply of `lua/state.lua`; `campaigns` are the ids of its keys, in order."""
        limit = reply["limit"]
        breakers = zip(campaigns, map(BreakerState.read, reply["campaigns"]), strict=True)
        return cls(
            rate_per_minute=reply["rate"],
            rate_overridden=bool(reply["rate_overridden"]),
            account=BreakerState.read(reply["account"]),
            reads=BreakerState.read(reply["reads"]),
            campaigns={number: breaker for number, breaker in breakers if not breaker.is_available},
            adaptive_limit_per_minute=limit,
            adaptive_limit_reason=reply["limit_reason"] if limit else "",
            adaptive_limit_seconds=reply["limit_for"] / MICROSECONDS if limit else 0.0,
            unrelated_share=float(reply["unrelated_share"]),
            call_seconds=reply["latency"] / MICROSECONDS or None,
            calls=reply["calls"],
            answered_seconds=None
            if reply["answered_for"] < 0
            else reply["answered_for"] / MICROSECONDS,
        )


def check_rate(per_minute: int) -> int:
    """Return the rate if it is valid.

    Raises:
        ValueError: it is below 0.
    """
    if per_minute < 0:
        raise ValueError(
            f"A rate of {per_minute} calls a minute is invalid: give 0 (unlimited) or more"
        )
    return per_minute
