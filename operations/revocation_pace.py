"""The pace of revocations: within the rate of their API account, which they share with workers."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from limiter.feedback_buffer import CallResult, Verdict
from limiter.rate_limiter import RateLimiter
from limiter.redis_connection import connect
from limiter.reservation import Reservation, Scope
from operations.api_calls import await_slot, failed_call
from operations.services import Services
from rewards_api.account import ApiAccount
from rewards_api.reads import RevokeReply, Unreadable

_LONGEST_WAIT_SECONDS = 1.0
_ASK_AGAIN_SECONDS = 0.25
_SECONDS_PER_MINUTE = 60


class EndedEarly(Exception):  # noqa: N818  # named for the state
    """The run ends before the call could start."""


class RevocationPace:
    """Says when calls may start: by the account's limits, and no more of them than per second.

    Revocations count as reads do: their failures do not stop the account's issue calls.

    Args:
        per_second: most calls a second; 0: only the limits bound them.
        campaign_id: the campaign.
        limiter: the account's limits; None: no Redis runs, so that no worker calls the account.
        is_ending: returns whether no further call may start.
    """

    def __init__(
        self,
        per_second: float,
        campaign_id: int,
        limiter: RateLimiter | None,
        is_ending: Callable[[], bool],
    ) -> None:
        self._gap_seconds = 1 / per_second if per_second else 0.0
        self._next = 0.0
        self._scope = Scope(campaign_id, is_read=True)
        self._limiter = limiter
        self._is_ending = is_ending
        self.held = ""
        """Why no call may start now; "" while calls may."""

    async def wait(self) -> Reservation | None:
        """Wait until the next call may start; returns its slot for `report`.

        Raises:
            EndedEarly: the run ends.
            LimitsUnavailable: Redis cannot be reached.
        """
        await self._space()
        if self._limiter is None:
            return None
        slot = await await_slot(self._limiter, self._scope, self._pause)
        self.held = ""
        return slot

    async def _pause(self, slot: Reservation) -> None:
        self.held = slot.held
        await asyncio.sleep(min(max(slot.next_free_seconds, 0.0), _ASK_AGAIN_SECONDS))
        if self._is_ending():
            raise EndedEarly

    async def _space(self) -> None:
        """Wait for this process's own turn."""
        now = time.monotonic()
        start = max(now, self._next)
        self._next = start + self._gap_seconds
        # An event would not do: a signal sets the end, and the wait is long only at a low rate.
        while (left := start - time.monotonic()) > 0 and not self._is_ending():  # noqa: ASYNC110
            await asyncio.sleep(min(left, _LONGEST_WAIT_SECONDS))
        if self._is_ending():
            raise EndedEarly

    async def report(self, slot: Reservation | None, reply: RevokeReply) -> None:
        """Report the result of a call to the account's limits.

        Raises:
            LimitsUnavailable: Redis cannot be reached.
        """
        if slot is not None and self._limiter is not None:
            result = CallResult(Verdict.ACCEPTED)
            if isinstance(reply, Unreadable):
                result = failed_call(reply.reply, "a revocation failed")
            await self._limiter.report(slot, result)


@asynccontextmanager
async def revocation_pace(
    services: Services,
    account: str,
    campaign_id: int,
    per_second: float,
    is_ending: Callable[[], bool],
) -> AsyncIterator[RevocationPace]:
    """Make the pace of an account's revocations, in the event loop that uses it."""
    known = services.accounts.get(account)
    if not services.servers.redis_url:
        by_setting = known.rate_per_minute / _SECONDS_PER_MINUTE
        rates = [rate for rate in (by_setting, per_second) if rate]
        yield RevocationPace(min(rates, default=0.0), campaign_id, None, is_ending)
        return
    async with connect(services.servers.redis_url) as redis:
        limiter = RateLimiter(
            redis,
            ApiAccount.of(known, services.settings).name,
            known_as=known.name,
            rate_per_minute=known.rate_per_minute,
            adapts=services.settings.api_rate_adapts,
        )
        yield RevocationPace(per_second, campaign_id, limiter, is_ending)
        await limiter.flush(Scope(campaign_id, is_read=True))
