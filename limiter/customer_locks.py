"""Locks that allow one call at a time per customer (rewards-api §6.1, code 10004)."""

from collections.abc import Sequence
from dataclasses import dataclass

from redis import Redis as SyncRedis
from redis.asyncio import Redis

from limiter.keys import lock_key
from limiter.lua_scripts import load
from limiter.unavailable import reach_redis


class CustomerLocks:
    """Short locks on customers, named by their fingerprints (`issuance.fingerprints`).

    A lock expires, so that a dead owner cannot keep it. Every method takes one round trip for a
    whole chunk, and raises `LimitsUnavailable` when Redis cannot be reached.
    """

    def __init__(self, redis: Redis, account: str) -> None:
        self._account = account
        self._acquire = redis.register_script(load("acquire_locks").text)
        self._release = redis.register_script(load("release_locks").text)

    async def acquire(
        self, owner: str, fingerprints: Sequence[str], ttl_seconds: float
    ) -> set[str]:
        """Lock the free customers, and extend the locks that `owner` already holds.

        Args:
            owner: a name that no other holder uses, for example the claim's id.
            fingerprints: of the customers; duplicates are allowed.
            ttl_seconds: above 0; longer than the calls can take.

        Returns:
            The fingerprints that `owner` now holds.
        """
        if not fingerprints:
            return set()
        with reach_redis():
            milliseconds = max(1, int(ttl_seconds * 1000))
            places = await self._acquire(keys=self._keys(fingerprints), args=[owner, milliseconds])
        return {fingerprints[place - 1] for place in places}

    async def release(self, owner: str, fingerprints: Sequence[str]) -> None:
        """Release the locks that `owner` still holds; other owners' locks stay."""
        if fingerprints:
            with reach_redis():
                await self._release(keys=self._keys(fingerprints), args=[owner])

    def _keys(self, fingerprints: Sequence[str]) -> list[str]:
        return [lock_key(self._account, fingerprint) for fingerprint in fingerprints]


_SCANNED_MOST = 20_000
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class HeldLocks:
    """The locks of one account at one moment."""

    count: int
    is_complete: bool
    """False: Redis holds more keys than were looked through, so there may be more locks."""
    least_left_seconds: float | None
    """Until the first of them would expire; None: there is none."""


def read_held_locks(redis: SyncRedis, account: str) -> HeldLocks:
    """Count an account's locks; looks through some twenty thousand keys at most.

    Raises:
        LimitsUnavailable: Redis cannot be reached.
    """
    cursor, scanned, left = 0, 0, list[float]()
    with reach_redis():
        while True:
            cursor, keys = redis.scan(cursor, match=lock_key(account, "*"), count=_AT_ONCE)
            scanned += _AT_ONCE
            pipeline = redis.pipeline(transaction=False)
            for key in keys:
                pipeline.pttl(key)
            left += [milliseconds / 1000 for milliseconds in pipeline.execute() if milliseconds > 0]
            if not cursor or scanned >= _SCANNED_MOST:
                return HeldLocks(len(left), not cursor, min(left, default=None))
