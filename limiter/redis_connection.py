"""Connections to the Redis that holds limits and locks: bounded waits, and closed without leftovers.

One server (with replicas, if any), not a Redis Cluster: the scripts touch several keys at once.
"""

from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

_CONNECT_TIMEOUT_SECONDS = 3.0
_REPLY_TIMEOUT_SECONDS = 5.0
_RETRY_AFTER_SECONDS = 0.1


def connect(url: str) -> AsyncRedis:
    """Prepare a client for one asyncio loop; it connects with its first command.

    It must be made after the fork and closed with `async with` or `aclose()`. A command waits at
    most about 5 s for its reply, and up to twice 3 s more when it has to connect first.

    Args:
        url: `redis://` or `rediss://`, as `ISSUANCE_REDIS_URL`; a query such as `?socket_timeout=2`
            changes these bounds, in seconds.
    """
    retry = AsyncRetry(ConstantBackoff(_RETRY_AFTER_SECONDS), 1, (RedisConnectionError,))
    return AsyncRedis.from_url(url, retry=retry, **_options())


def connect_sync(url: str) -> Redis:
    """Prepare a client for synchronous code (the console); as `connect`, closed with `with` or `close()`."""
    retry = Retry(ConstantBackoff(_RETRY_AFTER_SECONDS), 1, (RedisConnectionError,))
    return Redis.from_url(url, retry=retry, **_options())


def _options() -> dict[str, Any]:
    # A broken connection is tried once more: a restarted server or an idle connection cut by a
    # firewall is no outage. A reply that does not come is not awaited twice. A command that ran
    # twice is harmless: at worst some slots of the rate stay unused or a failure counts double.
    return {
        "decode_responses": True,
        "socket_timeout": _REPLY_TIMEOUT_SECONDS,
        "socket_connect_timeout": _CONNECT_TIMEOUT_SECONDS,
        "socket_keepalive": True,
        # A Redis Enterprise feature that costs a command per connection and loosens the timeouts
        # above.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }
