"""The API account's limits, in two or three lines."""

from limiter.state import LimitState
from operations.formats import duration
from operations.limits import ceiling_text


def limit_lines(state: LimitState) -> list[str]:
    """Say the limits in two or three lines."""
    rate = f"{state.rate_per_minute:,} calls a minute" if state.rate_per_minute else "unlimited"
    lines = [f"rate     {rate} ({'set at run time' if state.rate_overridden else 'by the setting'})"]
    if state.ceiling_per_minute:
        lines.append(f"ceiling  {ceiling_text(state)}")
    why = f": {state.why}" if state.why else ""
    if state.closed_seconds > 0:
        lines.append(f"account  closed for another {duration(state.closed_seconds)}{why}")
    elif state.closings > 0:
        lines.append(f"account  open for single probing calls{why}")
    else:
        failing = f", {state.failures:,} calls in a row without a readable answer" if state.failures else ""
        lines.append(f"account  open{failing}")
    return lines
