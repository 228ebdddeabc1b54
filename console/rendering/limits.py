"""The API account's limits, a line each."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from operations.account_past import AccountPast
from operations.formats import counted, one_line, time_of_day
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


def past_lines(past: AccountPast) -> Iterator[str]:
    """The suspensions of an account's last hour, the newest first."""
    if past.since is None:
        yield f"{past.limits.account}: nothing was recorded in the last hour"
    else:
        yield f"{past.limits.account}: recorded since {_time(past.since, past.end)}"
    if not past.incidents:
        yield "  nothing was suspended"
    for each in past.incidents:
        begin = "earlier" if each.begin is None else _time(each.begin, past.end)
        end = "now" if each.end is None else _time(each.end, past.end)
        times = f", {each.times} times" if each.times > 1 else ""
        reason = f": {one_line(each.reason)}" if each.reason else ""
        yield f"  {begin} to {end}  {past.what(each)} suspended{times}{reason}"


def _time(at: float, now: float) -> str:
    return time_of_day(datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(now, UTC))
