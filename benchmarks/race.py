"""One measured run: from the first tenth of the calls, as warm-up, to the last recorded one."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from benchmarks.cores import cpu_seconds, rss_bytes
from benchmarks.servers import Stub

_WARM_SHARE = 0.1
_POLL_SECONDS = 0.02
_STUCK_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Run:
    """The figures of one run."""

    issuances: int
    per_second: float
    cpu_us: float
    """CPU of the worker's processes per issuance."""
    rss_mb: float
    repeats: int = 0
    """Calls beyond one per issuance; it should be 0."""


class StuckError(Exception):
    """No call arrived for a long time."""


def measure(
    stub: Stub,
    worker: psutil.Process,
    count: int,
    *,
    is_recorded: Callable[[], bool] = lambda: True,
) -> Run:
    """Measure a worker until everything is issued and, if it keeps a record, recorded.

    Args:
        stub: reset before the worker was started.
        worker: the measured process; its descendants count too.
        count: number of issuances.
        is_recorded: whether every outcome is in the record; called once all calls are answered.

    Raises:
        StuckError: there is no more progress.
    """
    warm, began_at = _await_answers(stub, int(count * _WARM_SHARE))
    cpu_before = cpu_seconds(worker)
    _, ended_at = _await_answers(stub, count)
    while not is_recorded():
        ended_at = time.monotonic()
        if ended_at - began_at > _STUCK_SECONDS * 4:
            raise StuckError("Not everything is recorded")
        time.sleep(_POLL_SECONDS)
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
    """Wait for `count` answered requestIds; returns their number and the last one's time."""
    seen, changed_at = 0, time.monotonic()
    while True:
        stats = stub.stats()
        if stats["request_ids"] >= max(1, count):
            return stats["request_ids"], stats["last_at"]
        if stats["answered"] > seen:
            seen, changed_at = stats["answered"], time.monotonic()
        if time.monotonic() - changed_at > _STUCK_SECONDS:
            raise StuckError(f"Only {stats['request_ids']} of {count} were issued")
        time.sleep(_POLL_SECONDS)
