"""Campaigns and rewards whose calls must stop on all workers within a second."""

import time
from collections.abc import Callable

from redis.asyncio import Redis

from limiter.campaign_ids import Halted, halted_member, read_halted
from limiter.keys import paused_key
from limiter.unavailable import reach_redis

_FRESH_SECONDS = 0.5


class PausedCampaigns:
    """The campaigns, and rewards of campaigns, whose calls are stopped.

    The ledger is the record; this copy saves a query before each call. Every method raises
    `LimitsUnavailable` when Redis cannot be reached.

    Args:
        redis: made by `connect`.
        account: names the API account; the same for all its workers.
        clock: monotonic seconds.
    """

    def __init__(
        self, redis: Redis, account: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._redis = redis
        self._key = paused_key(account)
        self._clock = clock
        self._known: frozenset[Halted] | None = None
        self._ask_at = 0.0

    async def pause(self, halted: Halted) -> None:
        """Stop new calls of a campaign or of one of its rewards: in this process at once."""
        if self._known is not None:
            self._known |= {halted}
        with reach_redis():
            await self._redis.sadd(self._key, halted_member(halted))

    async def unpause(self, halted: Halted) -> None:
        """Allow calls again; no effect on what is not paused."""
        with reach_redis():
            await self._redis.srem(self._key, halted_member(halted))

    async def paused(self) -> frozenset[Halted]:
        """Return what is stopped, at most half a second old; cheap enough before each call."""
        if self._known is not None and self._clock() < self._ask_at:
            return self._known
        # Concurrent callers use the previous answer instead of all asking Redis at once.
        self._ask_at = self._clock() + _FRESH_SECONDS
        try:
            with reach_redis():
                members = await self._redis.smembers(self._key)
        except BaseException:
            self._ask_at = 0.0
            raise
        self._known = read_halted(members, self._key)
        return self._known
