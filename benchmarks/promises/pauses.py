"""Pause and cancel stop new calls within a second, and a resumed blast is issued exactly once."""

import time

from benchmarks.promises.sizes import Length
from benchmarks.promises.system import Samples, System, await_arrivals, wait_until
from ledger.queries.balance import balance

RATE = 12_000
"""Calls a minute."""
_QUIET_SECONDS = 2.5
_PAUSED, _CANCELLED = 1001, 1100
_ROWS_PER_PAUSE = 1_200
_CANCELLED_ROWS = 20_000
"""Enough that settling the unsent jobs takes a while."""
_END_SECONDS = 120.0


def rows(length: Length) -> int:
    """Rows of the paused campaign: enough to be running at each pause, few enough to end soon."""
    return _ROWS_PER_PAUSE * (length.pauses + 1)


def measure_pauses(system: System, length: Length) -> Samples:
    """Pause and resume some times, then let the blast end and count its calls.

    The campaign `paused` was accepted before the system was started.
    """
    count = rows(length)
    after_end, after_start, back = [], [], []
    for number in range(length.pauses):
        await_arrivals(system, _ROWS_PER_PAUSE // 2 * (number + 1))
        paused = system.command("campaign", "pause", "paused")
        time.sleep(_QUIET_SECONDS)
        last = system.stub.arrivals().of(_PAUSED)[-1]
        after_end.append(max(0.0, last - paused.ended))
        after_start.append(max(0.0, last - paused.began))
        seen = system.stub.stats()["arrived"]
        resumed = system.command("campaign", "resume", "paused")
        await_arrivals(system, seen + 1)
        back.append(max(0.0, system.stub.arrivals().at[seen] - resumed.ended))
    wait_until(
        lambda: not balance(system.ledger, "paused").unsettled,
        seconds=_END_SECONDS,
        what="the end of the resumed blast",
    )
    stats = system.stub.stats()
    return {
        "pause/end": after_end,
        "pause/start": after_start,
        "resume/first": back,
        "resume/missing": [count - stats["request_ids"]],
        "resume/repeats": [stats["arrived"] - stats["request_ids"]],
    }


def measure_cancels(system: System, length: Length) -> Samples:
    """Cancel some campaigns, one after the other, each halfway."""
    after_end, after_start = [], []
    for number in range(length.pauses):
        campaign, reward_id = f"cancelled-{number}", _CANCELLED + number
        system.accept(campaign, _CANCELLED_ROWS, reward_id=reward_id)
        await_arrivals(system, system.stub.stats()["arrived"] + RATE // 60)
        cancelled = system.command("campaign", "cancel", campaign, "--yes")
        time.sleep(_QUIET_SECONDS)
        last = system.stub.arrivals().of(reward_id)[-1]
        after_end.append(max(0.0, last - cancelled.ended))
        after_start.append(max(0.0, last - cancelled.began))
    return {"cancel/end": after_end, "cancel/start": after_start}
