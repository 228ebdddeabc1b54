"""Reads of the API by a command, within the limits that it shares with the workers."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from issuance.errors import UnreachableError
from issuance.replies.reply import Answer, Reply
from limiter.feedback_buffer import CallResult, Verdict
from limiter.rate_limiter import RateLimiter
from limiter.reservation import Reservation, Scope
from operations.api_calls import await_slot, failed_call
from rewards_api.reads import Unreadable

_SLOT_AGAIN_SECONDS = 1.0
_PAUSE_SECONDS = 0.5

_T = TypeVar("_T")


class ApiAwayError(UnreachableError):
    """The API gave no readable answer for some time."""


class CallSlots:
    """Makes reads one by one when the account's limits allow it, and repeats failed ones.

    Args:
        limiter: the account's limits.
        scope: of the reads.
        patience_seconds: how long no read may succeed before `ApiAwayError`.
    """

    def __init__(self, limiter: RateLimiter, scope: Scope, *, patience_seconds: float) -> None:
        self._limiter = limiter
        self._scope = scope
        self._patience_seconds = patience_seconds
        self._answered_at = time.monotonic()
        self._last_failure = "no call slot was free"

    async def read(self, call: Callable[[], Awaitable[_T | Unreadable]]) -> _T:
        """Make a read until its answer can be read.

        Raises:
            ApiAwayError: no read succeeded for some time.
            LimitsUnavailable: Redis cannot be reached.
        """
        while True:
            reservation = await await_slot(self._limiter, self._scope, self._pause)
            result = await call()
            if not isinstance(result, Unreadable):
                self._answered_at = time.monotonic()
                await self._limiter.report(reservation, CallResult(Verdict.ACCEPTED))
                return result
            self._last_failure = _describe(result.reply)
            await self._limiter.report(reservation, failed_call(result.reply, self._last_failure))
            await self._wait(_PAUSE_SECONDS)

    async def _pause(self, slot: Reservation) -> None:
        await self._wait(min(slot.next_free_seconds, _SLOT_AGAIN_SECONDS))

    async def _wait(self, seconds: float) -> None:
        if time.monotonic() - self._answered_at > self._patience_seconds:
            raise ApiAwayError(
                f"The API gave no readable answer for {self._patience_seconds:.0f} s "
                f"({self._last_failure}). What was compared is recorded: run this again later, and "
                "it continues"
            )
        await asyncio.sleep(seconds)


def _describe(reply: Reply) -> str:
    return f"HTTP {reply.status}" if isinstance(reply, Answer) else reply.kind
