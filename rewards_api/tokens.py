"""OAuth tokens: shared by all processes, and renewed early by one of them (rewards-api §2)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

import structlog

# The API's documentation advises to renew at about 80 % of the token's lifetime.
_RENEW_AT = 0.8
# After a failure, calls fail for this long without a request, so that a blast does not storm the
# token endpoint.
_PAUSE_SECONDS = 1.0
_PAUSE_AFTER_REFUSAL_SECONDS = 30.0

_log = structlog.get_logger(__name__)


class TokenUnavailableError(Exception):
    """There is no token. The message starts with "refused" when the key or secret is wrong."""

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(f"{'refused' if refused else 'unavailable'}: {message}")
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, with its remaining lifetime when it was read."""

    value: str = field(repr=False)
    ttl_seconds: float
    left_seconds: float


class TokenStore(Protocol):
    """Where processes share the token. Every method may raise TokenUnavailableError."""

    async def read(self) -> Token | None:
        """The shared token, or None when there is none or it has expired."""

    async def write(self, token: Token) -> None:
        """Share a new token for `token.left_seconds`."""

    def lock(self) -> AbstractAsyncContextManager[None]:
        """Hold the right to get a new token; waits while another process holds it."""


@dataclass(frozen=True, slots=True)
class _Held:
    value: str = field(repr=False)
    renew_at: float
    ends_at: float


class Tokens:
    """One process's view of the shared token.

    Args:
        fetch: gets a new token from the API; raises TokenUnavailableError.
        store: where processes share it.
        clock: seconds that never go backwards.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Token]],
        store: TokenStore,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._store = store
        self._clock = clock
        self._held: _Held | None = None
        self._refused_value: str | None = None
        self._renewing: asyncio.Task[_Held | TokenUnavailableError] | None = None
        self._failure: TokenUnavailableError | None = None
        self._paused_until = 0.0

    async def current(self) -> str:
        """The token to send now; waits only when there is no valid one.

        Raises:
            TokenUnavailableError: the API or the store gave none.
        """
        held, now = self._held, self._clock()
        if held is not None and now < held.ends_at:
            if now >= held.renew_at:
                self._start_renewing()
            return held.value
        return await self._renewed()

    async def replace(self, refused: str) -> str:
        """A token other than `refused`, to which the API answered 401.

        Raises:
            TokenUnavailableError: the API or the store gave none.
        """
        self._refused_value = refused
        self._drop(refused)
        value = await self.current()
        if value == refused:
            # A renewal that began before the refusal has restored the refused token.
            self._drop(refused)
            value = await self._renewed()
        return value

    async def aclose(self) -> None:
        """Stop a running renewal."""
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)

    def _drop(self, refused: str) -> None:
        if self._held is not None and self._held.value == refused:
            self._held = None

    async def _renewed(self) -> str:
        # `wait` rather than `await`: a cancelled call must not cancel the renewal for the others.
        renewing = self._start_renewing()
        await asyncio.wait([renewing])
        if renewing.cancelled():
            raise TokenUnavailableError("the client is being closed")
        result = renewing.result()
        if isinstance(result, TokenUnavailableError):
            raise result.with_traceback(None)
        return result.value

    def _start_renewing(self) -> asyncio.Task[_Held | TokenUnavailableError]:
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew())
        return self._renewing

    async def _renew(self) -> _Held | TokenUnavailableError:
        if self._failure is not None and self._clock() < self._paused_until:
            return self._failure
        try:
            token = await self._share_or_fetch()
        except TokenUnavailableError as error:
            self._record_failure(error)
            return error
        self._failure = None
        now = self._clock()
        ends_at = now + token.left_seconds
        self._held = _Held(token.value, ends_at - (1 - _RENEW_AT) * token.ttl_seconds, ends_at)
        return self._held

    async def _share_or_fetch(self) -> Token:
        shared = self._usable(await self._store.read())
        if shared is not None:
            return shared
        async with self._store.lock():
            # The previous holder of the lock may just have renewed it.
            shared = self._usable(await self._store.read())
            if shared is not None:
                return shared
            token = await self._fetch()
            await self._store.write(token)
            return token

    def _usable(self, token: Token | None) -> Token | None:
        if token is None or token.value == self._refused_value:
            return None
        return token if token.left_seconds > (1 - _RENEW_AT) * token.ttl_seconds else None

    def _record_failure(self, error: TokenUnavailableError) -> None:
        is_new_refusal = error.refused and not (self._failure is not None and self._failure.refused)
        pause = _PAUSE_AFTER_REFUSAL_SECONDS if error.refused else _PAUSE_SECONDS
        self._failure, self._paused_until = error, self._clock() + pause
        if is_new_refusal:
            _log.error(
                "api_token_refused",
                why=str(error),
                remedy="check ISSUANCE_API_CLIENT_KEY, ISSUANCE_API_CLIENT_SECRET and the client's "
                "access group",
            )
        elif not error.refused:
            _log.warning("api_token_unavailable", why=str(error), next_try_seconds=pause)
