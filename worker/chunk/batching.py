"""Groups results, so that many are recorded in one transaction."""

import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

_MOST = 250
_WAIT_SECONDS = 0.2
_POLL_SECONDS = 0.01


class Groupable(Protocol):
    """An item that can be grouped."""

    ends_group: bool
    """Whether its group must not wait for further items."""


G = TypeVar("G", bound=Groupable)


def gather_groups(arrivals: "SimpleQueue[G | None]") -> Iterator[list[G]]:
    """Yield groups of arriving items until None arrives.

    A group is complete when it is full, or 0.2 s after its first item. After an item that ends its
    group, only items that have already arrived are added.
    """
    while (first := arrivals.get()) is not None:
        group = [first]
        until = time.monotonic() + (0.0 if first.ends_group else _WAIT_SECONDS)
        while len(group) < _MOST:
            try:
                item = arrivals.get_nowait()
            except Empty:
                # Blocking on each item would take the interpreter from the calls' thread each time.
                left = until - time.monotonic()
                if left <= 0:
                    break
                time.sleep(min(left, _POLL_SECONDS))
                continue
            if item is None:
                yield group
                return
            group.append(item)
            if item.ends_group:
                until = 0.0
        yield group
