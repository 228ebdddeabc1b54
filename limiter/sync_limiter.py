"""What the console and other synchronous code do with the limits."""

from redis import Redis

from limiter import lua_scripts
from limiter.keys import halts_key, limits_key
from limiter.state import LimitState, check_rate
from limiter.unavailable import reach_redis


class LimitsConsole:
    """An operator's hold on the limits of one API account; see `AccountLimits` and `Halts`.

    Every method raises `LimitsUnavailable` when Redis cannot be reached.

    Args:
        redis: made by `connect_sync`.
        account: names the API account, as for its workers.
        rate_per_minute: the setting's rate, in force while no other is set at run time; 0 is unlimited.
    """

    def __init__(self, redis: Redis, account: str, *, rate_per_minute: int) -> None:
        self._redis = redis
        self._limits_key = limits_key(account)
        self._halts_key = halts_key(account)
        self._rate_per_minute = check_rate(rate_per_minute)
        self._state = redis.register_script(lua_scripts.STATE)
        self._set_rate = redis.register_script(lua_scripts.SET_RATE)

    def state(self) -> LimitState:
        """Read the limits as they stand."""
        with reach_redis():
            return LimitState.read(self._state(keys=[self._limits_key], args=[self._rate_per_minute]))

    def set_rate(self, per_minute: int | None) -> None:
        """Set the rate of all workers; see `AccountLimits.set_rate`.

        Raises:
            ValueError: the rate is below 0.
        """
        rate = "" if per_minute is None else check_rate(per_minute)
        with reach_redis():
            self._set_rate(keys=[self._limits_key], args=[rate])

    def halt(self, campaign_id: int) -> None:
        """Stop new calls of a campaign on all workers until `lift`."""
        with reach_redis():
            self._redis.sadd(self._halts_key, str(campaign_id))

    def lift(self, campaign_id: int) -> None:
        """Allow calls of a campaign again; nothing happens to one that is not halted."""
        with reach_redis():
            self._redis.srem(self._halts_key, str(campaign_id))

    def halted(self) -> frozenset[int]:
        """Tell the halted campaigns' ids."""
        with reach_redis():
            return frozenset(int(member) for member in self._redis.smembers(self._halts_key))
