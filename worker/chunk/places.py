"""The places of one account in a worker child: the open calls of its chunks together."""

import asyncio
from math import ceil

_RESERVED_MOST = 1.5
"""The most jobs with a call slot, for each place."""
_REFILL = 0.4
"""Call slots that are reserved at a time, for each place."""
_SPARE = 0.05
"""The share of places that must be free before another chunk is taken."""


class Gauge:
    """A count that a coroutine can wait for until it has fallen."""

    def __init__(self) -> None:
        self.value = 0
        self._waiters: dict[asyncio.Future[None], int] = {}

    def rise(self, by: int = 1) -> None:
        """Add to the count."""
        self.value += by

    def fall(self, by: int = 1) -> None:
        """Subtract from the count, and wake the waiters whose value is reached."""
        self.value -= by
        for waiter, most in self._waiters.items():
            if self.value <= most and not waiter.done():
                waiter.set_result(None)

    async def falls_to(self, most: int, within_seconds: float | None = None) -> bool:
        """Wait until the count is at most `most`; False after a timeout."""
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
    """The call places of one account in one process.

    Not thread-safe: use it in the event loop's thread.

    Args:
        count: the most calls at a time, 1 or more.
        of_child: the claimed jobs of all accounts of the child without a result; None: there is
            only one account.
    """

    def __init__(self, count: int, of_child: Gauge | None = None) -> None:
        self.count = count
        self.calls = asyncio.Semaphore(count)
        """Held by each open call."""
        self.reserved = Gauge()
        """Jobs with a call slot: their call is open or starts as soon as a place is free."""
        self.unfinished = Gauge()
        """Claimed jobs of this account's chunks without a result."""
        self.of_child = of_child or Gauge()
        self._reserved_most = ceil(count * _RESERVED_MOST)
        self._refill = ceil(count * _REFILL)

    @property
    def carried_most(self) -> int:
        """The most unfinished jobs with which the child may take another chunk."""
        return self.count - max(1, int(self.count * _SPARE))

    @property
    def are_full(self) -> bool:
        """Whether the next call must wait for the end of another one."""
        return self.calls.locked()

    def add_jobs(self, count: int) -> None:
        """Count claimed jobs."""
        self.unfinished.rise(count)
        self.of_child.rise(count)

    def end_jobs(self, count: int = 1) -> None:
        """Count jobs that have their result or never will."""
        self.unfinished.fall(count)
        self.of_child.fall(count)

    async def room(self, wanted: int, within_seconds: float) -> int:
        """Wait until call slots may be reserved for some more jobs; 0 after a timeout.

        A job with a slot starts even if another worker's call suspends the account in the meantime.
        So slots are reserved for few more jobs than there are places, but for many at a time, which
        saves round trips.

        Args:
            wanted: the jobs that wait for a slot, 1 or more.
            within_seconds: the longest wait.
        """
        await self.reserved.falls_to(
            self._reserved_most - min(wanted, self._refill), within_seconds
        )
        return max(0, min(wanted, self._reserved_most - self.reserved.value))
