"""Admission control of a chunk's calls, and the feedback of their results to the limits."""

import asyncio
import math
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import structlog

from issuance.masking import scrub
from issuance.outcome import Outcome, Refusal
from issuance.retry import LIMIT, Settle, TryAgain, bounded
from issuance.reward_key import reward_key
from ledger.dispatch.claimed_jobs import ClaimedJob
from ledger.results.attempts import Attempt
from limiter.campaign_ids import Halted
from limiter.feedback_buffer import CallResult, Verdict
from limiter.reservation import Reservation, Scope
from limiter.unavailable import LimitsUnavailable
from worker.chunk.bounds import Bounds
from worker.chunk.fault_watch import HOLD_SECONDS
from worker.chunk.limits import Limits
from worker.chunk.reconciler import LOOKED_UP, NO_SLOT

log = structlog.get_logger("issuance.worker")


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a job must not be sent now, and after how many seconds it may be tried again."""

    delay_seconds: float
    because: str


_PAGE = "HTTP "
_EXCEPTION = re.compile(r"[A-Z]\w*[a-z][A-Z]\w+")
WINDOW_CLOSED = Rejection(0.0, "the campaign's window is closed")
"""Without a delay: the release waits for the window to open."""
LIMITS_LOST = Rejection(5.0, "the limits are unavailable")
_SLOT_AGAIN_SECONDS = 0.25
_HELD_AGAIN_SECONDS = 1.0
"""The release then holds the job, unless its reward runs again."""


class Admission:
    """Admits or rejects the calls of one chunk.

    Args:
        limits: the account's limits, the paused campaigns and the lag of the event loop.
        bounds: time limits of the chunk.
        campaign_id: the chunk's campaign.
        is_stopping: returns whether the worker is stopping; called before each API call.
        rng: the source of jitter.
        is_cancelled: the campaign was cancelled before the claim: jobs are reconciled, not sent.
        is_watched: whether the campaign has a stop-loss.
        closes_at: when the campaign's window closes, by the monotonic clock; None: it has none.
    """

    def __init__(
        self,
        limits: Limits,
        bounds: Bounds,
        *,
        campaign_id: int,
        is_stopping: Callable[[], bool],
        rng: Random,
        is_cancelled: bool = False,
        is_watched: bool = False,
        closes_at: float | None = None,
    ) -> None:
        self._limits = limits
        self._is_cancelled = is_cancelled
        self._is_watched = is_watched
        self._most_delay_seconds = bounds.lease_seconds
        self._reads = Scope(campaign_id, is_read=True)
        self._is_stopping = is_stopping
        self._rng = rng
        self._closes_at = math.inf if closes_at is None else closes_at
        lapses_at = time.monotonic() + bounds.start_within_seconds
        self._start_until = min(lapses_at, self._closes_at)
        self._suspended_until = {False: 0.0, True: 0.0}
        self._lost: LimitsUnavailable | None = None
        self._broken_off = False

    @property
    def left_seconds(self) -> float:
        """Seconds in which calls may still start; 0 or more."""
        return max(0.0, self._start_until - time.monotonic())

    def break_off(self) -> None:
        """Start no further call. Thread-safe."""
        self._broken_off = True

    async def reject(self, job: ClaimedJob, *, is_probe: bool = False) -> Rejection | None:
        """Return why the job must not be sent now, or None. A probe passes a suspension."""
        now = time.monotonic()
        if self._broken_off:
            return Rejection(0.0, "the chunk is broken off")
        if self._is_stopping():
            return Rejection(0.0, "the worker is stopping")
        until = self._suspended_until[job.fallback is not None]
        if now < until and not is_probe:
            return self.wait(until - now, "suspended")
        if now >= self._closes_at:
            return WINDOW_CLOSED
        if now > self._start_until:
            return Rejection(0.0, "the claim is about to lapse")
        # Reconciliation issues nothing, and only it settles jobs in doubt of a cancelled campaign.
        return (
            None
            if self._is_cancelled and job.fallback is not None
            else await self._reject_paused(job)
        )

    def wait(self, seconds: float, held: str) -> Rejection:
        """Reject a job until calls may start again, for a lease at most."""
        because = {
            "suspended": "calls are suspended",
            "campaign_suspended": "the campaign's calls are suspended",
        }.get(held, "the rate is used up")
        return Rejection(min(seconds, self._most_delay_seconds), because)

    async def _reject_paused(self, job: ClaimedJob) -> Rejection | None:
        # After a failure Redis is not asked again: each further job would wait for the timeout.
        if self._lost is not None:
            return LIMITS_LOST
        try:
            paused = await self._limits.paused_campaigns.paused()
        except LimitsUnavailable as error:
            self._lost = error
            log.warning("limits_unavailable", error=str(error))
            return LIMITS_LOST
        if self._is_watched and self._limits.fault_watch.holds(job):
            return Rejection(HOLD_SECONDS, "its reward only fails just now")
        return None if not paused else _reject_halted(job, paused)

    async def take_read_slot(self) -> Reservation | None:
        """Wait for a slot for one more read; None if there is none while calls may start."""
        try:
            while self.left_seconds > 0 and not self._is_stopping():
                within = min(self.left_seconds, 1.0)
                reservation = await self._limits.limiter.reserve(
                    1, within_seconds=within, scope=self._reads
                )
                if reservation.delays_seconds:
                    await asyncio.sleep(reservation.delays_seconds[0])
                    return reservation
                await asyncio.sleep(
                    min(reservation.next_free_seconds, self.left_seconds, _SLOT_AGAIN_SECONDS)
                )
        except LimitsUnavailable as error:
            log.warning("limits_unavailable", error=str(error))
        return None

    async def report(
        self, reservation: Reservation, attempt: Attempt, *, idle_before: float | None = None
    ) -> None:
        """Report the result of a call, or of the reads for one job, to the account's limits.

        Args:
            reservation: the call's slot.
            attempt: the result.
            idle_before: `LoopLag.idle_seconds` when the call began.
        """
        is_read = attempt.job.fallback is not None
        if is_read and attempt.outcome.message.endswith(NO_SLOT):
            return  # nothing was read
        result = read_result(attempt) if is_read else issue_result(attempt)
        took = result.took_seconds
        if took is not None and self._limits.loop_lag.distorts(took, idle_before):
            result = CallResult(result.verdict, settled=result.settled, is_repeat=result.is_repeat)
        # The outcome is safe; the next reservation notices that the limits are unavailable.
        with suppress(LimitsUnavailable):
            self._suspend(await self._limits.limiter.report(reservation, result), is_read=is_read)

    def _suspend(self, seconds: float, *, is_read: bool) -> None:
        if seconds > 0:
            until = time.monotonic() + seconds
            self._suspended_until[is_read] = max(self._suspended_until[is_read], until)

    async def finish(self, reservation: Reservation, unused: int) -> None:
        """Report refusals and give unused slots back, after a reservation's last call."""
        scope = reservation.grant.scope
        with suppress(LimitsUnavailable):  # the slots expire
            self._suspend(await self._limits.limiter.flush_refusals(scope), is_read=scope.is_read)
            await self._limits.limiter.give_back(reservation, unused)


def _reject_halted(job: ClaimedJob, paused: frozenset[Halted]) -> Rejection | None:
    if job.campaign_id in paused:
        return Rejection(0.0, "the campaign is paused")
    # Reading issues nothing, and clears the doubt.
    if job.fallback is None and any(
        (job.campaign_id, reward_key(line.reward_id, line.reward_external_id)) in paused
        for line in job.lines
    ):
        return Rejection(_HELD_AGAIN_SECONDS, "its reward is stopped")
    return None


def issue_result(attempt: Attempt) -> CallResult:
    """Return what the limits need to know of an issue call."""
    job, outcome, decision = attempt.job, attempt.outcome, attempt.decision
    is_tried_again = isinstance(decision, TryAgain) and decision.because != LIMIT
    return CallResult(
        _verdict(outcome),
        settled=outcome.readable and not is_tried_again,
        is_repeat=is_repeat(job),
        is_blocked=outcome.by_edge,
        retry_after_seconds=bounded(outcome.retry_after or 0.0),
        took_seconds=attempt.took_ms / 1000
        if outcome.readable and outcome.refusal is None
        else None,
        reason="" if outcome.readable and not is_tried_again else describe_refusal(attempt),
    )


def is_repeat(job: ClaimedJob) -> bool:
    """Return whether the job was called before and not settled; a redrive counts as a new job."""
    return job.budget_attempts > 0 or (job.attempts > 0 and job.redrives == 0)


def read_result(attempt: Attempt) -> CallResult:
    """Return what the limits need to know of the reads for one job: how the last one ended."""
    outcome = attempt.outcome
    return CallResult(
        _verdict(outcome),
        settled=isinstance(attempt.decision, Settle),
        retry_after_seconds=bounded(outcome.retry_after or 0.0),
        reason=describe_refusal(attempt),
    )


def _verdict(outcome: Outcome) -> Verdict:
    match outcome.refusal:
        case Refusal.THROTTLED:
            return Verdict.THROTTLED
        case Refusal.UNAUTHORISED:
            return Verdict.UNAUTHORISED
        case None:
            return Verdict.ACCEPTED if outcome.readable else Verdict.FAILED


def describe_refusal(attempt: Attempt) -> str:
    """Describe the answer in a few words, without personal data."""
    outcome = attempt.outcome
    message = scrub(outcome.message.removeprefix(LOOKED_UP), attempt.known)
    if attempt.http_status is None:
        return _describe_silence(message)
    if not outcome.readable and message.startswith(_PAGE):
        return message
    code = f", code {outcome.code}" if outcome.code not in (None, attempt.http_status) else ""
    return f"HTTP {attempt.http_status}{code}"


def _describe_silence(message: str) -> str:
    """Describe why there is no answer: the exception, which names no customer, or its kind."""
    kind, _, detail = message.partition(": ")
    if kind == "token":
        return message
    return detail if _EXCEPTION.match(detail) else kind or "no answer"
