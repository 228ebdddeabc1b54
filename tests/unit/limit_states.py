"""A state of the account's limits, as tests of those who read it need one."""

from limiter.state import LimitState


def limit_state(rate=0, *, closed=0.0, closings=0, ceiling=0) -> LimitState:
    """An account at this rate, by its setting, in calls a minute."""
    return LimitState(
        rate,
        rate_overridden=False,
        closed_seconds=closed,
        closings=closings,
        why="",
        failures=0,
        ceiling_per_minute=ceiling,
    )
