"""Scopes, results and helpers that the limiter's tests share."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from limiter.feedback_buffer import CallResult, Verdict
from limiter.rate_limiter import RateLimiter
from limiter.reservation import Reservation, Scope

ISSUING, READS = Scope(7), Scope(7, is_read=True)
OTHER = Scope(8)

ACCEPTED = CallResult(Verdict.ACCEPTED)
FAILED = CallResult(Verdict.FAILED, settled=False, reason="HTTP 502 without a readable body")
THROTTLED = CallResult(Verdict.THROTTLED, settled=False, reason="HTTP 429")
UNAUTHORISED = CallResult(Verdict.UNAUTHORISED, settled=False, reason="HTTP 401")

REFUSALS_SPREAD_SECONDS = 1.0
"""Refusals that last this long suspend, whatever the baseline latency."""


def repeated(result: CallResult) -> CallResult:
    """The same, for a job that failed before."""
    return replace(result, is_repeat=True)


def with_retry_after(result: CallResult, seconds: float) -> CallResult:
    """The same with a `Retry-After`."""
    return replace(result, retry_after_seconds=seconds)


async def report(limiter: RateLimiter, reservation: Reservation, *results: CallResult) -> float:
    """Report results now; return the seconds for which the scope is suspended."""
    seconds = [await limiter.report(reservation, result) for result in results]
    return max([*seconds, await limiter.flush(reservation.grant.scope)])


async def call(
    limiter: RateLimiter, *results: CallResult, scope: Scope = ISSUING, is_repeat: bool = False
) -> Reservation:
    """Reserve a slot for each result and report what was granted."""
    reservation = await limiter.reserve(
        len(results), within_seconds=0, scope=scope, is_repeat=is_repeat
    )
    await report(limiter, reservation, *results[: len(reservation.delays_seconds)])
    return reservation


async def suspend(
    limiter: RateLimiter, wait: Callable[[float], Awaitable[None]], result: CallResult = FAILED
) -> float:
    """Report refused calls until the account is suspended; return for how many seconds."""
    await report(limiter, await limiter.reserve(0, within_seconds=0, scope=ISSUING), result)
    await wait(REFUSALS_SPREAD_SECONDS)
    seconds = await report(
        limiter, await limiter.reserve(0, within_seconds=0, scope=ISSUING), *[result] * 30
    )
    assert seconds > 0
    return seconds
