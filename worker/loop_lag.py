"""The lag of an event loop: latencies measured on a late loop say little about the API."""

import asyncio

_TICK_SECONDS = 0.05
_KEEP = 0.5


class LoopLag:
    """Measures how late the loop runs its callbacks, twenty times a second."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """The largest recent delay; it halves with each tick."""
        self._due = 0.0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start measuring. Call it in the loop's thread, or before the loop runs."""
        self._due = loop.time() + _TICK_SECONDS
        loop.call_at(self._due, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self.seconds = max(self.seconds * _KEEP, loop.time() - self._due)
        self.start(loop)
