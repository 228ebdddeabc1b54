"""The places of one worker child: how many calls all of its chunks together may have open."""

import asyncio
from math import ceil

_RESERVED_MOST = 1.5
"""Jobs with a call slot, for each place."""
_REFILL = 0.4
"""Call slots that are reserved at once, for each place."""
_SPARE = 0.05
"""Places that must be free for another chunk, of all."""


class Gauge:
    """A count that a coroutine can wait for until it has fallen."""

    def __init__(self) -> None:
        self.value = 0
        self._waiters: dict[asyncio.Future[None], int] = {}

    def rise(self, by: int = 1) -> None:
        """Add to the count."""
        self.value += by

    def fall(self, by: int = 1) -> None:
        """Take from the count, and wake those that wait for no more than is left."""
        self.value -= by
        for waiter, most in self._waiters.items():
            if self.value <= most and not waiter.done():
                waiter.set_result(None)

    async def falls_to(self, most: int, within_seconds: float | None = None) -> bool:
        """Wait until the count is `most` or less; False when the time is over before."""
        if self.value <= most:
            return True
        waiter = asyncio.get_running_loop().create_future()
        self._waiters[waiter] = most
        try:
            async with asyncio.timeout(within_seconds):
                await waiter
        except TimeoutError:
            return False
        finally:
            del self._waiters[waiter]
        return True


class Places:
    """The call places of one process, used in its event loop's thread only.

    Args:
        count: calls at once, 1 or more.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.calls = asyncio.Semaphore(count)
        """Held by each open call."""
        self.reserved = Gauge()
        """Jobs that have a call slot: their call is open, or starts as soon as a place is free."""
        self.unfinished = Gauge()
        """Claimed jobs of all chunks that have no result yet."""
        self._reserved_most = ceil(count * _RESERVED_MOST)
        self._refill = ceil(count * _REFILL)

    @property
    def carried_most(self) -> int:
        """The most unfinished jobs with which the child may take another chunk: that needs free places."""
        return self.count - max(1, int(self.count * _SPARE))

    async def room(self, wanted: int, within_seconds: float) -> int:
        """Wait until call slots may be reserved for some more jobs; 0 when the time is over before.

        A job with a slot starts even if another worker's call suspends the account in the meantime.
        So slots are reserved for few more jobs than there are places, but for many at a time, which
        saves round trips.

        Args:
            wanted: jobs that wait for a slot, 1 or more.
            within_seconds: the longest wait.
        """
        await self.reserved.falls_to(
            self._reserved_most - min(wanted, self._refill), within_seconds
        )
        return max(0, min(wanted, self._reserved_most - self.reserved.value))
