"""The gate before each call of a chunk: why it must not start now, and what its outcome means for the account."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import structlog

from issuance.outcome import Kind, Outcome
from ledger.dispatch.claims import ClaimedJob
from ledger.results.recording import Attempt
from limiter.reservation import Reservation
from limiter.unavailable import LimitsUnavailable
from worker.chunk.bounds import Bounds
from worker.chunk.shared import Shared

log = structlog.get_logger("issuance.worker")


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a job must not be sent now, and after how many seconds it may be tried again."""

    delay_seconds: float
    because: str


_SLOT_AGAIN_SECONDS = 0.25
LIMITS_LOST = Stop(5.0, "the limits are out of reach")


@dataclass
class Tally:
    """What came of the calls of one reservation, as the account's limits count it."""

    sent: int = 0
    answered: int = 0
    failed: int = 0
    timed: int = 0
    took_ms: int = 0
    """How long the timed answers took, all together; a look is several reads and waits between them."""

    def add(self, attempt: Attempt) -> None:
        """Count a call; what is said of the account (429, 401) is neither answer nor failure."""
        self.sent += 1
        outcome = attempt.outcome
        if outcome.closes_account:
            return
        # An outcome by the HTTP status alone has it as its code: then there was no body that could be read.
        unreadable = outcome.code is None or outcome.code == attempt.http_status
        if attempt.job.look_up is not None and outcome.kind is Kind.IN_DOUBT:
            unreadable = False  # a look that found nothing was answered
        if outcome.kind in (Kind.IN_DOUBT, Kind.TRANSIENT) and unreadable:
            self.failed += 1
            return
        self.answered += 1
        if attempt.job.look_up is None:
            self.timed += 1
            self.took_ms += attempt.took_ms


class Gate:
    """Stands before the calls of one chunk, from its claim on.

    Args:
        shared: the account's limits and halts.
        bounds: how far the chunk may go.
        is_stopping: says whether the worker is being stopped; asked before each call.
        rng: the source of jitter.
        is_cancelled: the campaign was cancelled before the claim: looks go on all the same.
    """

    def __init__(
        self,
        shared: Shared,
        bounds: Bounds,
        *,
        is_stopping: Callable[[], bool],
        rng: Random,
        is_cancelled: bool = False,
    ) -> None:
        self._shared = shared
        self._is_cancelled = is_cancelled
        self._policy = bounds.policy
        self._is_stopping = is_stopping
        self._rng = rng
        self._start_until = time.monotonic() + bounds.start_within_seconds
        self._closed_until = 0.0
        self._lost: LimitsUnavailable | None = None
        self._broken_off = False

    @property
    def left_seconds(self) -> float:
        """For so long calls may still start; 0 or more."""
        return max(0.0, self._start_until - time.monotonic())

    def break_off(self) -> None:
        """Let no further call start; may be called from any thread."""
        self._broken_off = True

    async def why_stop(self, job: ClaimedJob) -> Stop | None:
        """Say why the job must not be sent now; None when it may be."""
        now = time.monotonic()
        if self._broken_off:
            return Stop(0.0, "the chunk is broken off")
        if self._is_stopping():
            return Stop(0.0, "the worker is stopping")
        if now < self._closed_until:
            return Stop(self._closed_until - now, "the account is closed")
        if now > self._start_until:
            return Stop(0.0, "the claim is about to lapse")
        # A look issues nothing, and a cancelled campaign's doubts are settled by nothing else.
        return None if self._is_cancelled and job.look_up is not None else await self._why_halted(job)

    async def _why_halted(self, job: ClaimedJob) -> Stop | None:
        # Asked once: if Redis does not answer at all, each further job would wait for it in vain.
        if self._lost is not None:
            return LIMITS_LOST
        try:
            halted = await self._shared.halts.halted()
        except LimitsUnavailable as error:
            self._lost = error
            log.warning("limits unavailable", error=str(error))
            return LIMITS_LOST
        return Stop(0.0, "the campaign is halted") if job.campaign_id in halted else None

    async def take_slot(self) -> bool:
        """Wait for one more call slot under the account's rate; False when there is none while calls may start."""
        try:
            while self.left_seconds > 0 and not self._is_stopping():
                reservation = await self._shared.limits.reserve(1, within_seconds=min(self.left_seconds, 1.0))
                if reservation.delays_seconds:
                    await asyncio.sleep(reservation.delays_seconds[0])
                    return True
                await asyncio.sleep(min(reservation.next_free_seconds, self.left_seconds, _SLOT_AGAIN_SECONDS))
        except LimitsUnavailable as error:
            log.warning("limits unavailable", error=str(error))
        return False

    async def close(self, outcome: Outcome, reservation: Reservation) -> None:
        """Close the account for all workers: the answer was about it, not about the job (design rule 11).

        Args:
            outcome: the answer's.
            reservation: the one that granted the call: each closing in a row by then makes the next one longer.
        """
        seconds = self._policy.closed_seconds(outcome.retry_after, reservation.closings, self._rng)
        with suppress(LimitsUnavailable):  # this chunk stops all the same; the others learn it from their own calls
            seconds = await self._shared.limits.close(seconds, f"code {outcome.code}", reservation)
        self._close_here(seconds, code=outcome.code, message=outcome.message)

    async def tell(self, reservation: Reservation, tally: Tally) -> None:
        """Tell the account's limits what came of a reservation's calls, and give back what was not used of it."""
        limits = self._shared.limits
        with suppress(LimitsUnavailable):  # the outcomes are what counts; the next reservation notices it
            seconds = await limits.note(
                reservation,
                answered=tally.answered,
                failed=tally.failed,
                policy=self._policy,
                rng=self._rng,
                timed=tally.timed,
                took_seconds=tally.took_ms / 1000,
            )
            if seconds is not None:
                self._close_here(seconds, why="no readable answers in a row")
            await limits.give_back(reservation, len(reservation.delays_seconds) - tally.sent)

    def _close_here(self, seconds: float, **why: object) -> None:
        now = time.monotonic()
        if now >= self._closed_until:  # of many calls in flight that say so only the first is news
            log.warning("account closed", seconds=round(seconds, 1), **why)
        self._closed_until = max(self._closed_until, now + seconds)
