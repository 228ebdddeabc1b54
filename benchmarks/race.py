"""One measured run: from the first tenth of the calls, as warm-up, to the last one settled."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from benchmarks.cores import cpu_seconds, rss_bytes
from benchmarks.servers import Stub

_WARM_SHARE = 0.1
_LOOK_SECONDS = 0.02
_STUCK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Run:
    """What one run measured."""

    issuances: int
    per_second: float
    cpu_us: float
    """CPU of the worker's processes for each issuance."""
    rss_mb: float
    repeats: int = 0
    """Calls beyond one for each issuance; 0 is as it should be."""


class StuckError(Exception):
    """No call arrived for long."""


def measure(
    stub: Stub,
    worker: psutil.Process,
    count: int,
    *,
    is_recorded: Callable[[], bool] = lambda: True,
) -> Run:
    """Watch a worker until all is issued, and recorded if it keeps a record.

    Args:
        stub: was reset before the worker began.
        worker: the measured process and all below it.
        count: so many issuances are under way.
        is_recorded: says whether every outcome is in the record; asked when all calls were
            answered.

    Raises:
        StuckError: nothing happens any more.
    """
    warm, began_at = _await_answers(stub, int(count * _WARM_SHARE))
    cpu_before = cpu_seconds(worker)
    _, ended_at = _await_answers(stub, count)
    while not is_recorded():
        ended_at = time.monotonic()
        if ended_at - began_at > _STUCK_SECONDS * 4:
            raise StuckError("Not everything is recorded")
        time.sleep(_LOOK_SECONDS)
    used = cpu_seconds(worker) - cpu_before
    made = count - warm
    return Run(
        issuances=count,
        per_second=made / (ended_at - began_at),
        cpu_us=used / made * 1e6,
        rss_mb=rss_bytes(worker) / 1e6,
        repeats=stub.stats()["answered"] - count,
    )


def _await_answers(stub: Stub, count: int) -> tuple[int, float]:
    """Wait for so many requestIds to be answered; returns how many were, and when the last one was."""
    seen, changed_at = 0, time.monotonic()
    while True:
        stats = stub.stats()
        if stats["request_ids"] >= max(1, count):
            return stats["request_ids"], stats["last_at"]
        if stats["answered"] > seen:
            seen, changed_at = stats["answered"], time.monotonic()
        if time.monotonic() - changed_at > _STUCK_SECONDS:
            raise StuckError(f"Only {stats['request_ids']} of {count} were issued")
        time.sleep(_LOOK_SECONDS)
