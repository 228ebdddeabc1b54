"""Grouping: results that come one by one are gathered, so that each group is one transaction of the ledger."""

import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue

from ledger.results.recording import Result

_MOST = 250
_WAIT_SECONDS = 0.2
_LOOK_AGAIN_SECONDS = 0.01


def gather_groups(results: "SimpleQueue[Result | None]", expected: int) -> Iterator[list[Result]]:
    """Gather results into groups until None ends them.

    A group is handed on when it is full, a moment after its first result came, or at once when nothing more
    is expected.
    """
    seen = 0
    while (first := results.get()) is not None:
        group = [first]
        seen += 1
        until = time.monotonic() + _WAIT_SECONDS
        while len(group) < _MOST and seen < expected:
            try:
                result = results.get_nowait()
            except Empty:
                # Waiting for each result by itself would take the interpreter from the calls' thread each time.
                left = until - time.monotonic()
                if left <= 0:
                    break
                time.sleep(min(left, _LOOK_AGAIN_SECONDS))
                continue
            if result is None:
                yield group
                return
            group.append(result)
            seen += 1
        yield group
