"""The customers' locks of one chunk, released as its calls end."""

from collections.abc import Collection
from contextlib import suppress

from limiter.customer_locks import CustomerLocks
from limiter.unavailable import LimitsUnavailable


class ChunkLocks:
    """The locks that a chunk holds on its customers (design rule 10).

    Args:
        locks: the account's locks.
        owner: the chunk's id.
        fingerprints: the fingerprints of its customers.
        ttl_seconds: the lease; no call of the chunk takes longer.
    """

    def __init__(
        self, locks: CustomerLocks, owner: str, fingerprints: Collection[str], ttl_seconds: float
    ) -> None:
        self._locks = locks
        self._owner = owner
        self._ttl_seconds = ttl_seconds
        # Includes those that were not granted: if the reply to `acquire` is lost, they may be held.
        self._unreleased = set(fingerprints)

    async def acquire(self) -> set[str]:
        """Lock what is free; returns the fingerprints that the chunk now holds.

        Raises:
            LimitsUnavailable: Redis cannot be reached.
        """
        return await self._locks.acquire(self._owner, list(self._unreleased), self._ttl_seconds)

    async def release(self, *, but: Collection[str] = ()) -> None:
        """Unlock the customers, each once. Without Redis the locks expire.

        Args:
            but: fingerprints that stay locked.
        """
        free = self._unreleased.difference(but)
        self._unreleased -= free
        with suppress(LimitsUnavailable):
            await self._locks.release(self._owner, list(free))
