"""The last refusal of a chunk by the broker, for health checks."""

from contextlib import suppress

from redis import Redis
from redis.exceptions import RedisError

_KEY = "issuance:publish-refused"
_REMEMBER_SECONDS = 120
"""Longer than until the chunk is tried again."""
_LONGEST_REASON = 300


def note_refusal(redis: Redis, reason: str) -> None:
    """Remember why a chunk was refused; without Redis only the log says so."""
    with suppress(RedisError, OSError):
        redis.set(_KEY, reason[:_LONGEST_REASON], ex=_REMEMBER_SECONDS)


def recent_refusal(redis: Redis) -> str:
    """Return why a chunk was refused in the last two minutes, or ""."""
    try:
        return str(redis.get(_KEY) or "")
    except (RedisError, OSError):
        return ""
