"""The limits for synchronous code: the console, the release, health checks."""

from collections.abc import Mapping
from typing import Any

from redis import Redis

from limiter.campaign_ids import Halted, halted_member, read_halted, read_ids
from limiter.customer_locks import HeldLocks, read_held_locks
from limiter.keys import campaign_key, limits_key, paused_key, reads_key, suspended_campaigns_key
from limiter.limit_history import LimitHistory
from limiter.lua_scripts import load
from limiter.reservation import MICROSECONDS
from limiter.state import LimitState, check_rate
from limiter.unavailable import reach_redis


class SyncLimiter:
    """The operator's side of one account's limits; see `RateLimiter` and `PausedCampaigns`.

    Every method raises `LimitsUnavailable` when Redis cannot be reached.

    Args:
        redis: made by `connect_sync`.
        account: names the API account, as for its workers.
        rate_per_minute: the setting's rate, in force while no other is set at run time; 0 is
            unlimited.
    """

    def __init__(self, redis: Redis, account: str, *, rate_per_minute: int) -> None:
        self._redis = redis
        self._account = account
        self._rate_per_minute = check_rate(rate_per_minute)

    def state(self) -> LimitState:
        """Read the limits and suspensions."""
        campaigns = self._suspended_campaigns()
        keys = [
            limits_key(self._account),
            reads_key(self._account),
            *self._campaign_keys(campaigns),
        ]
        return LimitState.read(
            self._run("state", keys, {"setting_rate": self._rate_per_minute}), campaigns
        )

    def set_rate(self, per_minute: int | None) -> None:
        """Set the rate of all workers; see `RateLimiter.set_rate`.

        Raises:
            ValueError: the rate is below 0.
        """
        rate = -1 if per_minute is None else check_rate(per_minute)
        self._run("set_rate", [limits_key(self._account)], {"rate": rate})

    def resume(self) -> int:
        """End every suspension, once its cause is removed; returns how many there were.

        Calls increase gradually. If the cause is still there, the account is suspended again.
        """
        campaigns = self._suspended_campaigns()
        keys = [
            limits_key(self._account),
            reads_key(self._account),
            suspended_campaigns_key(self._account),
        ]
        keys += self._campaign_keys(campaigns)
        arguments = {"setting_rate": self._rate_per_minute, "adapts": 1}
        return int(self._run("resume", keys, arguments)["ended"])

    def pause(self, halted: Halted) -> None:
        """Stop new calls of a campaign, or of one of its rewards, on all workers."""
        with reach_redis():
            self._redis.sadd(paused_key(self._account), halted_member(halted))

    def unpause(self, halted: Halted) -> None:
        """Allow calls again; no effect on what is not paused."""
        with reach_redis():
            self._redis.srem(paused_key(self._account), halted_member(halted))

    def paused(self) -> frozenset[Halted]:
        """Read which campaigns and rewards must not be called."""
        key = paused_key(self._account)
        with reach_redis():
            members = self._redis.smembers(key)
        return read_halted(members, key)

    @property
    def history(self) -> LimitHistory:
        """The recent past of the limits."""
        return LimitHistory(self._redis, self._account)

    def held_locks(self) -> HeldLocks:
        """Count the customers whose calls are open."""
        return read_held_locks(self._redis, self._account)

    def idle_seconds(self) -> float | None:
        """Return how long ago the newest call slot was; below 0: slots ahead are reserved.

        None: no slot was ever used.
        """
        with reach_redis():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.hget(limits_key(self._account), "last")
            pipeline.time()
            last, (seconds, microseconds) = pipeline.execute()
        try:
            newest = float(last or 0)
        except ValueError:  # as the scripts take an unreadable number
            newest = 0.0
        return seconds + (microseconds - newest) / MICROSECONDS if newest else None

    def _suspended_campaigns(self) -> list[int]:
        key = suspended_campaigns_key(self._account)
        with reach_redis():
            members = self._redis.smembers(key)
        return sorted(read_ids(members, key))

    def _campaign_keys(self, campaigns: list[int]) -> list[str]:
        return [campaign_key(self._account, number) for number in campaigns]

    def _run(
        self, name: str, keys: list[str], arguments: Mapping[str, int | float | str]
    ) -> dict[str, Any]:
        script = load(name)
        with reach_redis():
            reply = self._redis.register_script(script.text)(
                keys=keys, args=script.arguments(arguments)
            )
        return script.named(reply)
