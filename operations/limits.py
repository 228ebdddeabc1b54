"""The API account's limits in words."""

from limiter.state import LimitState
from operations.formats import duration


def ceiling_text(state: LimitState) -> str:
    """Say how many calls are allowed for now, since when there are fewer than the rate, and why."""
    return (
        f"{state.ceiling_per_minute:,} calls a minute (why: {state.ceiling_why}), "
        f"below the rate since {duration(state.ceiling_seconds)} ago"
    )
