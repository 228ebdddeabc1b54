"""What the chunks of one process share with all workers through Redis."""

from dataclasses import dataclass

from redis.asyncio import Redis

from limiter.customer_locks import CustomerLocks
from limiter.paused_campaigns import Halts
from limiter.rate_limiter import AccountLimits


@dataclass(frozen=True)
class Shared:
    """The account's limits and locks, shared with all workers through Redis."""

    redis: Redis
    limits: AccountLimits
    locks: CustomerLocks
    halts: Halts
