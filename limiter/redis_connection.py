"""Connections to the Redis server of limits and locks, with bounded waits.

One server (with replicas, if any), not a Redis Cluster: a script uses several keys.
"""

from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MasterDownError, ReadOnlyError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from config.server_url import ServerUrl

_CONNECT_TIMEOUT_SECONDS = 3.0
_REPLY_TIMEOUT_SECONDS = 5.0
_RETRY_AFTER_SECONDS = 0.1
_RETRIED = (RedisConnectionError, ReadOnlyError, MasterDownError)
"""Errors after which a command is sent once more on a new connection. The last two come from a
replica: after a failover the old connection leads to it, and a new one to the new master."""


def connect(url: str) -> AsyncRedis:
    """Make a client for one asyncio loop; it connects with its first command.

    Make it after a fork, and close it with `async with` or `aclose()`. A command waits at most
    about 5 s for its reply, and up to twice 3 s more when it must connect first.

    Args:
        url: `redis://` or `rediss://`, as `ISSUANCE_REDIS_URL`; a query such as `?socket_timeout=2`
            changes these timeouts, in seconds.
    """
    retry = AsyncRetry(ConstantBackoff(_RETRY_AFTER_SECONDS), 1, _RETRIED)
    server = ServerUrl.parse(url)
    return AsyncRedis.from_url(server.url, retry=retry, **_options() | server.redis_arguments)


def connect_sync(url: str, *, wait_seconds: float | None = None) -> Redis:
    """Make a client for synchronous code, as `connect`; close it with `with` or `close()`.

    Args:
        url: as for `connect`.
        wait_seconds: the longest wait for a connection and for a reply, instead of the defaults.
    """
    waits = ("socket_timeout", "socket_connect_timeout") if wait_seconds else ()
    retry = Retry(ConstantBackoff(_RETRY_AFTER_SECONDS), 1, _RETRIED)
    server = ServerUrl.parse(url)
    options = _options() | dict.fromkeys(waits, wait_seconds) | server.redis_arguments
    return Redis.from_url(server.url, retry=retry, **options)


def _options() -> dict[str, Any]:
    # One retry after a broken connection, because a server's restart or a firewall that cuts idle
    # connections is no outage; none after a reply timeout. A command that runs twice is harmless:
    # at worst some slots stay unused or a failure counts double.
    return {
        "decode_responses": True,
        "encoding_errors": "replace",  # another client's bytes must not break a reply
        "socket_timeout": _REPLY_TIMEOUT_SECONDS,
        "socket_connect_timeout": _CONNECT_TIMEOUT_SECONDS,
        "socket_keepalive": True,
        # A Redis Enterprise feature: costs a command per connection, and relaxes the timeouts.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }
