"""The account's rate over several workers: fully used, never exceeded, changed while they run."""

import time

from benchmarks.promises.arrivals import (
    count_between,
    most_in_a_window,
    settled_after,
    used_share,
    window_bound,
)
from benchmarks.promises.sizes import Length
from benchmarks.promises.system import Samples, System, await_arrivals

FAST, SLOW = 6_000, 600
"""Calls a minute."""
_WINDOWS = (1.0, 10.0)
_CHANGE_SECONDS = 5.0
_REWARD = 1001


def measure_rate(system: System, length: Length) -> Samples:
    """Measure a fast rate, then a slow one set while the blast runs, then the fast one again.

    The system was started at the fast rate, on several workers, with enough waiting jobs.
    """
    await_arrivals(system, FAST // 60 * 2)
    system.broker.config_resetstat()
    calls = system.stub.stats()["arrived"]
    fast = _steady(length.steady_seconds)
    round_trips, calls = _script_calls(system), system.stub.stats()["arrived"] - calls
    slowed = system.command("limits", "set", str(SLOW))
    time.sleep(_CHANGE_SECONDS)
    slow = _steady(length.steady_seconds)
    hastened = system.command("limits", "set", str(FAST))
    time.sleep(_CHANGE_SECONDS)
    times = system.stub.arrivals().at
    changes = [
        settled_after(times, since=at, until=at + _CHANGE_SECONDS, per_minute=rate)
        for at, rate in ((slowed.ended, SLOW), (hastened.ended, FAST))
    ]
    return {
        **_figures(times, fast, FAST),
        **_figures(times, slow, SLOW),
        "rate/change": changes,
        "rate/round trips": [round_trips / calls],
    }


def _steady(seconds: float) -> tuple[float, float]:
    began = time.monotonic()
    time.sleep(seconds)
    return began, began + seconds


def _figures(times: list[float], span: tuple[float, float], per_minute: int) -> Samples:
    since, until = span
    within = [at for at in times if since <= at < until]
    excess = [
        most_in_a_window(within, seconds) / window_bound(per_minute, seconds)
        for seconds in _WINDOWS
    ]
    excess.append(count_between(times, since, until) / window_bound(per_minute, until - since))
    return {
        f"rate/{per_minute}/used": [used_share(times, per_minute, since, until)],
        f"rate/{per_minute}/window": excess,
    }


def _script_calls(system: System) -> int:
    """Round trips for limits, locks and paused campaigns of all processes, since the reset."""
    found = system.broker.info("commandstats")
    return sum(
        found.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "smembers")
    )
