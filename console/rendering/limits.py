"""The API account's limits, a line each."""

from collections.abc import Iterator, Sequence

from operations.formats import counted
from operations.limits import Limits, adaptive_limit_text, breaker_text, unrelated_text


def account_lines(accounts: Sequence[Limits]) -> Iterator[str]:
    """The limits of each account, below its name if there are several."""
    for limits in accounts:
        if len(accounts) > 1:
            yield f"{limits.account}:"
        yield from limit_lines(limits)


def limit_lines(limits: Limits) -> list[str]:
    """Rate and account, and the other limits that are in effect."""
    state = limits.state
    rate = (
        f"{counted(state.rate_per_minute, 'call')} a minute"
        if state.rate_per_minute
        else "unlimited"
    )
    lines = [
        f"rate     {rate} ({'set at run time' if state.rate_overridden else 'by the setting'})"
    ]
    if state.adaptive_limit_per_minute:
        lines.append(f"limit    {adaptive_limit_text(state)}")
    lines.append(f"account  {breaker_text(state.account)}")
    if state.unrelated_share:
        lines.append(f"         {unrelated_text(state)}")
    if not state.reads.is_available:
        lines.append(f"reads    {breaker_text(state.reads)}")
    for name, breaker in limits.suspended_campaigns():
        lines.append(f"campaign {name}: {breaker_text(breaker)}")
    return lines
