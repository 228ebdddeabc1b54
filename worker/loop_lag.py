"""How late and how busy an event loop is: latencies measured then say little about the API."""

import asyncio
import time
from selectors import DefaultSelector, SelectorKey

_TICK_SECONDS = 0.05
_KEEP = 0.5
_LAG_SHARE, _LAG_LEAST_SECONDS = 0.1, 0.01
"""A loop that is later than this distorts a latency."""
_BUSY_SHARE = 0.4
"""So does one that ran other callbacks for more of it: their time may all be waiting. With less, a
busy loop cannot make an API look 1.8 times as slow, which would lower the limit."""


class IdleSelector(DefaultSelector):
    """A selector that measures how long its loop had nothing to do."""

    def __init__(self) -> None:
        super().__init__()
        self.idle_seconds = 0.0
        """The time in which the loop waited for events, since its start."""

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Wait for events, as the base class does."""
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        began = time.monotonic()
        try:
            return super().select(timeout)
        finally:
            self.idle_seconds += time.monotonic() - began


def make_loop() -> tuple[asyncio.AbstractEventLoop, IdleSelector]:
    """Make an event loop, and the selector that measures its idle time."""
    selector = IdleSelector()
    return asyncio.SelectorEventLoop(selector), selector


class LoopLag:
    """Measures how late the loop runs its callbacks, twenty times a second, and its idle time.

    Args:
        selector: the loop's selector; None: idle time is not measured.
    """

    def __init__(self, selector: IdleSelector | None = None) -> None:
        self.seconds = 0.0
        """The largest recent delay; it halves with each tick."""
        self._selector = selector
        self._due = 0.0

    @property
    def idle_seconds(self) -> float | None:
        """The time in which the loop waited for events, since its start; None if not measured."""
        return None if self._selector is None else self._selector.idle_seconds

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start measuring. Call it in the loop's thread, or before the loop runs."""
        self._due = loop.time() + _TICK_SECONDS
        loop.call_at(self._due, self._tick, loop)

    def distorts(self, took_seconds: float, idle_before: float | None) -> bool:
        """Return whether a latency that ends now says more about this loop than about the API.

        Args:
            took_seconds: the latency.
            idle_before: `idle_seconds` when the call began.
        """
        if self.seconds > max(_LAG_LEAST_SECONDS, _LAG_SHARE * took_seconds):
            return True
        idle = self.idle_seconds
        if idle is None or idle_before is None:
            return False
        busy = took_seconds - (idle - idle_before)
        return busy > max(_LAG_LEAST_SECONDS, _BUSY_SHARE * took_seconds)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self.seconds = max(self.seconds * _KEEP, loop.time() - self._due)
        self.start(loop)
