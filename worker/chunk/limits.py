"""What the chunks of one process share with all workers through Redis."""

from dataclasses import dataclass, field

from redis.asyncio import Redis

from limiter.customer_locks import CustomerLocks
from limiter.paused_campaigns import PausedCampaigns
from limiter.rate_limiter import RateLimiter
from worker.chunk.fault_watch import FaultWatch
from worker.loop_lag import LoopLag


@dataclass(frozen=True)
class Limits:
    """The account's limits and locks, and the lag of this process's event loop."""

    redis: Redis
    limiter: RateLimiter
    locks: CustomerLocks
    paused_campaigns: PausedCampaigns
    loop_lag: LoopLag = field(default_factory=LoopLag)
    fault_watch: FaultWatch = field(default_factory=FaultWatch)
    """Of this process, for all accounts."""
