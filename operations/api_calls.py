"""Calls that a command makes: each has a slot in the limits that it shares with the workers."""

import asyncio
from collections.abc import Awaitable, Callable

from issuance.replies.reply import Answer, Reply
from limiter.feedback_buffer import CallResult, Verdict
from limiter.rate_limiter import RateLimiter
from limiter.reservation import Reservation, Scope

_WITHIN_SECONDS = 1.0
_VERDICTS = {401: Verdict.UNAUTHORISED, 429: Verdict.THROTTLED}


async def await_slot(
    limiter: RateLimiter, scope: Scope, pause: Callable[[Reservation], Awaitable[None]]
) -> Reservation:
    """Wait until a call may start; returns its slot, to report the result of the call.

    Args:
        limiter: the account's limits.
        scope: of the call.
        pause: waits when no slot is free, with what the limiter said; it may raise, to give up.

    Raises:
        LimitsUnavailable: Redis cannot be reached.
    """
    while True:
        found = await limiter.reserve(1, within_seconds=_WITHIN_SECONDS, scope=scope)
        if found.delays_seconds:
            await asyncio.sleep(found.delays_seconds[0])
            return found
        await pause(found)


def failed_call(reply: Reply, reason: str) -> CallResult:
    """Return what to report of a call that failed; `reason` names no customer."""
    if not isinstance(reply, Answer):
        return CallResult(Verdict.FAILED, settled=False, reason=reason)
    return CallResult(
        _VERDICTS.get(reply.status, Verdict.FAILED),
        settled=False,
        retry_after_seconds=reply.retry_after or 0.0,
        reason=reason,
    )
