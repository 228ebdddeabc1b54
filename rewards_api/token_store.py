"""Stores of the shared token: Redis for the workers, memory for a single process."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from redis.exceptions import LockError, LockNotOwnedError, RedisError

from rewards_api.tokens import Token, TokenUnavailableError

if TYPE_CHECKING:
    from redis.asyncio import Redis

_LOCK_POLL_SECONDS = 0.05


class MemoryTokenStore:
    """A store for one process and for tests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._token: Token | None = None
        self._written_at = 0.0
        self._lock = asyncio.Lock()

    async def read(self) -> Token | None:
        """The token with its remaining lifetime, or None."""
        if self._token is None:
            return None
        left = self._token.left_seconds - (self._clock() - self._written_at)
        return Token(self._token.value, self._token.ttl_seconds, left) if left > 0 else None

    async def write(self, token: Token) -> None:
        """Keep the token."""
        self._token, self._written_at = token, self._clock()

    @asynccontextmanager
    async def lock(self) -> AsyncIterator[None]:
        """Hold the right to get a new token."""
        async with self._lock:
            yield


class RedisTokenStore:
    """A store for all processes of an account.

    Redis holds the token in clear text until it expires. Anyone who can read that Redis can issue
    rewards as this account, so protect it like the client's secret.

    Args:
        redis: a client, with or without decoded answers.
        prefix: begins every key, such as `issuance:<account name>:`.
        lock_seconds: longest time to hold the lock, and to wait for it; must be longer than getting
            a token can take.
    """

    def __init__(self, redis: "Redis", prefix: str, *, lock_seconds: float = 35.0) -> None:
        self._redis = redis
        self._token_key = f"{prefix}token"
        self._lock_key = f"{prefix}token-lock"
        self._lock_seconds = lock_seconds

    async def read(self) -> Token | None:
        """The shared token; Redis measures its remaining lifetime, so clocks may differ."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.get(self._token_key)
                pipe.pttl(self._token_key)
                stored, left_ms = await pipe.execute()
        except RedisError as error:
            raise _store_lost(error) from error
        return _read_token(stored, left_ms) if stored else None

    async def write(self, token: Token) -> None:
        """Share the token until it expires."""
        stored = json.dumps({"value": token.value, "ttl_seconds": token.ttl_seconds})
        try:
            await self._redis.set(
                self._token_key, stored, px=max(1, int(token.left_seconds * 1000))
            )
        except RedisError as error:
            raise _store_lost(error) from error

    def lock(self) -> AbstractAsyncContextManager[None]:
        """Hold the right to get a new token; the lock expires if the process dies."""
        return self._hold()

    @asynccontextmanager
    async def _hold(self) -> AsyncIterator[None]:
        lock = self._redis.lock(
            self._lock_key,
            timeout=self._lock_seconds,
            sleep=_LOCK_POLL_SECONDS,
            blocking_timeout=self._lock_seconds,
        )
        try:
            acquired = await lock.acquire()
        except RedisError as error:
            raise _store_lost(error) from error
        if not acquired:
            raise TokenUnavailableError("another worker has been getting a token for too long")
        try:
            yield
        finally:
            # A lock that cannot be released expires by itself.
            with suppress(LockError, LockNotOwnedError, RedisError):
                await lock.release()


def _read_token(stored: str | bytes, left_ms: int) -> Token | None:
    try:
        fields = json.loads(stored)
        token = Token(str(fields["value"]), float(fields["ttl_seconds"]), left_ms / 1000)
    except (ValueError, TypeError, KeyError):
        # Not written by this code: treated as absent, and the next renewal overwrites it.
        return None
    return token if left_ms > 0 else None


def _store_lost(error: RedisError) -> TokenUnavailableError:
    return TokenUnavailableError(
        f"Redis, which shares the token, does not answer ({type(error).__name__})"
    )
