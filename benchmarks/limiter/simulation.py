"""Virtual time: events in the order of their times, without waiting."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any


class Simulation:
    """Runs events at virtual times, in seconds from 0."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()

    def at(self, seconds: float, event: Callable[..., None], *arguments: Any) -> None:
        """Run an event at this time, or now if it has passed."""
        heappush(self._events, (max(seconds, self.now), next(self._order), event, arguments))

    def run(self, until: float) -> None:
        """Run all events up to this time."""
        while self._events and self._events[0][0] <= until:
            self.now, _, event, arguments = heappop(self._events)
            event(*arguments)
        self.now = until
