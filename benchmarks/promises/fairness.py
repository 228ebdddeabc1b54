"""Fairness: concurrent campaigns share the account's rate by their weights."""

import time

from benchmarks.promises.arrivals import relative_error, shares_in_windows
from benchmarks.promises.sizes import Length
from benchmarks.promises.system import Samples, System, await_arrivals

RATE = 6_000
"""Calls a minute."""
_WINDOW_SECONDS = 10.0
_FIRST, _SECOND = 1001, 1002
_WEIGHT = 3


def measure_equal(system: System, length: Length) -> Samples:
    """Measure two campaigns that were accepted before the system was started."""
    return {"fair/equal": _off(system, length, entitled=0.5)}


def measure_weighted(system: System, length: Length) -> Samples:
    """The same with weight three for the first; nothing without the weight command."""
    if not system.has_command("campaign", "weight"):
        return {}
    system.command("campaign", "weight", "first", str(_WEIGHT))
    time.sleep(_WINDOW_SECONDS)  # jobs already on the broker keep the old shares
    return {"fair/weighted": _off(system, length, entitled=_WEIGHT / (_WEIGHT + 1))}


def accept_both(system: System, rows: int) -> None:
    """Accept the two campaigns."""
    system.accept("first", rows, reward_id=_FIRST)
    system.accept("second", rows, reward_id=_SECOND)


def _off(system: System, length: Length, *, entitled: float) -> list[float]:
    await_arrivals(system, RATE // 60 * 2)
    began = time.monotonic()
    time.sleep(length.shared_seconds)
    found = system.stub.arrivals()
    until = began + length.shared_seconds
    shares = shares_in_windows(
        found.of(_FIRST), found.of(_SECOND), since=began, until=until, seconds=_WINDOW_SECONDS
    )
    return [relative_error(share, entitled) for share in shares]
