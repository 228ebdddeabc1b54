"""Suspends calls to a webhook that fails, for a growing time; the state is in Redis."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TypeGuard

import structlog
from redis import Redis
from redis.exceptions import RedisError

from limiter.keys import webhook_key, webhook_pause_key

log = structlog.get_logger("issuance.dead_letters")

_FAILURES_ALLOWED = 3
_FIRST_SECONDS = 10
_MOST_SECONDS = 600
_REMEMBER_SECONDS = 86_400
"""Longer than any suspension; then an old failure is forgotten."""
_MOST_DOUBLINGS = 10
_LONGEST_ERROR = 200


@dataclass(frozen=True, slots=True)
class Suspension:
    """A webhook that is not called now."""

    seconds: float
    """Until the next call."""
    failures: int
    """Calls in a row that failed."""
    since: datetime | None
    """When the first of them failed; None: unknown."""
    error: str
    """The last error."""


class WebhookBreaker:
    """A circuit breaker for one URL, shared by all processes.

    After three failed calls in a row the webhook is suspended for 10 s. After each further failure
    it is suspended for twice as long as before, at most 10 minutes. One success ends that. While
    Redis is unavailable, the webhook counts as available.

    Args:
        redis: the server of the limits.
        url: the webhook's; another URL has a state of its own.
        clock: seconds since 1970.
    """

    def __init__(self, redis: Redis, url: str, clock: Callable[[], float] = time.time) -> None:
        self._redis = redis
        digest = sha256(url.encode()).hexdigest()[:16]
        self._failures = webhook_key(digest)
        self._pause = webhook_pause_key(digest)
        self._clock = clock

    def suspension(self) -> Suspension | None:
        """Return the suspension; None while the webhook may be called."""
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.pttl(self._pause)
                pipe.hmget(self._failures, ["failures", "since", "error"])
                left, fields = pipe.execute(raise_on_error=False)
        except (RedisError, OSError):
            return None
        # Any other value was written by another client: it must not end all calls.
        if not isinstance(left, int) or not 0 < left <= _MOST_SECONDS * 1000:
            return None
        failures, since, error = fields if isinstance(fields, list) else (None, None, None)
        return Suspension(
            left / 1000,
            failures=int(failures) if _is_number(failures) else _FAILURES_ALLOWED,
            since=datetime.fromtimestamp(int(since), UTC) if _is_number(since) else None,
            error=str(error or "unknown")[:_LONGEST_ERROR],
        )

    def note_failure(self, error: str) -> None:
        """Count a failed call; suspend the webhook if it was one too many."""
        try:
            failures = self._count(error[:_LONGEST_ERROR])
            if failures < _FAILURES_ALLOWED:
                return
            doublings = min(failures - _FAILURES_ALLOWED, _MOST_DOUBLINGS)
            seconds = min(_FIRST_SECONDS * 2**doublings, _MOST_SECONDS)
            self._redis.set(self._pause, "1", ex=seconds)
        except (RedisError, OSError):
            return
        log.warning("webhook_suspended", seconds=seconds, failures=failures, error=error)

    def _count(self, error: str) -> int:
        with self._redis.pipeline() as pipe:
            pipe.hincrby(self._failures, "failures", 1)
            pipe.hsetnx(self._failures, "since", str(int(self._clock())))
            pipe.hset(self._failures, "error", error)
            pipe.expire(self._failures, _REMEMBER_SECONDS)
            replies: Sequence[object] = pipe.execute()
        return int(str(replies[0]))

    def note_success(self) -> None:
        """End the suspension, and forget the failures."""
        try:
            failures = self._redis.hget(self._failures, "failures")
            if failures is None:
                return
            self._redis.delete(self._failures, self._pause)
        except (RedisError, OSError):
            return
        if _is_number(failures) and int(failures) >= _FAILURES_ALLOWED:
            log.info("webhook_available", failures=int(failures))


def _is_number(text: object) -> TypeGuard[str]:
    """Whether it is a whole number that is not too large for a date."""
    return isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= _DIGITS


_DIGITS = 10
