"""Grouping: results that come one by one are gathered, to be recorded in one transaction each."""

import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

_MOST = 250
_WAIT_SECONDS = 0.2
_LOOK_AGAIN_SECONDS = 0.01


class Groupable(Protocol):
    """What can be gathered."""

    ends_group: bool
    """Whether its group waits for nothing more."""


G = TypeVar("G", bound=Groupable)


def gather_groups(arrivals: "SimpleQueue[G | None]") -> Iterator[list[G]]:
    """Gather what arrives into groups until None ends them.

    A group is complete when it is full, or a moment after its first item came. After an item that
    ends its group only what has already arrived is added.
    """
    while (first := arrivals.get()) is not None:
        group = [first]
        until = time.monotonic() + (0.0 if first.ends_group else _WAIT_SECONDS)
        while len(group) < _MOST:
            try:
                item = arrivals.get_nowait()
            except Empty:
                # Waiting for each item by itself would take the interpreter from the calls' thread
                # each time.
                left = until - time.monotonic()
                if left <= 0:
                    break
                time.sleep(min(left, _LOOK_AGAIN_SECONDS))
                continue
            if item is None:
                yield group
                return
            group.append(item)
            if item.ends_group:
                until = 0.0
        yield group
