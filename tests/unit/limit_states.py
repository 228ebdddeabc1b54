"""Builds a state of the account's limits for tests of code that reads it."""

from limiter.state import Availability, BreakerState, LimitState


def limit_state(
    rate: int = 0,
    *,
    availability: Availability = Availability.AVAILABLE,
    adaptive_limit: int = 0,
    campaigns: tuple[int, ...] = (),
) -> LimitState:
    """Return an account with this rate (calls a minute) and these suspended campaigns."""
    until_seconds = 3.0 if availability is Availability.SUSPENDED else 0.0
    return LimitState(
        rate_per_minute=rate,
        rate_overridden=False,
        account=BreakerState(availability, until_seconds),
        campaigns={number: BreakerState(Availability.PROBING) for number in campaigns},
        adaptive_limit_per_minute=adaptive_limit,
    )
