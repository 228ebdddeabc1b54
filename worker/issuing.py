"""The issuing of a chunk: its claimed jobs are sent concurrently, within the account's limits."""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

import structlog

from issuance.classification import classify
from issuance.decision import History, RetryPolicy, decide
from issuance.job import Variant
from issuance.outcome import Kind, Outcome
from issuance.reply import Answer, Reply
from ledger.claims import Claim, ClaimedJob
from ledger.recording import Attempt, GiveBack, Result
from worker.api.client import RewardsClient
from worker.limits.reservation import Reservation
from worker.limits.unavailable import LimitsUnavailable
from worker.parts import Shared

log = structlog.get_logger("issuance.worker")

_LOCKED_AGAIN_SECONDS = 2.0
_LIMITS_LOST_SECONDS = 5.0
_RESERVE_AHEAD_SECONDS = 1.0
_PATIENCE_SECONDS = 5.0
"""A chunk waits so long for its next call slot; past that its jobs go back to the ledger."""
_STOP_CHECK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far one chunk may go.

    Attributes:
        policy: the retry policy.
        start_within_seconds: no call starts later than this after the claim, so that none outlives it.
        lease_seconds: how long the claim holds.
        max_concurrent: calls at once.
    """

    policy: RetryPolicy
    start_within_seconds: float
    lease_seconds: float
    max_concurrent: int


class ChunkIssuing:
    """Issues one claimed chunk and hands over each job's result as soon as it is there.

    Args:
        claim: the jobs in hand.
        client: the rewards API.
        shared: limits, locks and halts.
        bounds: how far it may go.
        is_stopping: says whether the worker is being stopped; asked before each call.
        put: takes each result; called from the event loop's thread.
        rng: the source of jitter.
    """

    def __init__(
        self,
        claim: Claim,
        client: RewardsClient,
        shared: Shared,
        bounds: Bounds,
        *,
        is_stopping: Callable[[], bool],
        put: Callable[[Result], None],
        rng: Random,
    ) -> None:
        self._claim = claim
        self._client = client
        self._shared = shared
        self._bounds = bounds
        self._is_stopping = is_stopping
        self._put = put
        self._rng = rng
        self._slots = asyncio.Semaphore(bounds.max_concurrent)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._begun: set[int] = set()
        self._start_until = time.monotonic() + bounds.start_within_seconds
        self._closed_until = 0.0

    async def run(self) -> None:
        """Issue the chunk: afterwards every job has been put once, or is left to its lease.

        The latter only when this code breaks in mid-call: whether the call was sent is then unknown, which
        is what the ledger makes of a lapsed claim.
        """
        try:
            await self._issue_locked()
        except LimitsUnavailable as error:
            log.warning("limits unavailable", error=str(error), chunk_id=self._claim.chunk_id)
        finally:
            for job in self._claim.jobs:
                if job.number not in self._begun:
                    self._give_back(job, _LIMITS_LOST_SECONDS, "the limits are out of reach")

    def _give_back(self, job: ClaimedJob, delay_seconds: float, because: str) -> None:
        self._begun.add(job.number)
        self._put(GiveBack(job, delay_seconds, because))

    async def _issue_locked(self) -> None:
        fingerprints = list({job.customer.fingerprint for job in self._claim.jobs})
        locks, owner = self._shared.locks, self._claim.chunk_id
        held = await locks.acquire(owner, fingerprints, self._bounds.lease_seconds)
        try:
            await self._issue_all(self._split_locked(held))
        finally:
            with suppress(LimitsUnavailable):  # they lapse by themselves
                await locks.release(owner, sorted(held))

    def _split_locked(self, held: set[str]) -> deque[ClaimedJob]:
        """Give back the jobs of customers whose call runs elsewhere: one call at a time (design rule 10)."""
        free: deque[ClaimedJob] = deque()
        for job in self._claim.jobs:
            if job.customer.fingerprint in held:
                free.append(job)
            else:
                delay = self._rng.uniform(_LOCKED_AGAIN_SECONDS / 2, _LOCKED_AGAIN_SECONDS)
                self._give_back(job, delay, "another call for this customer is running")
        return free

    async def _issue_all(self, jobs: deque[ClaimedJob]) -> None:
        """Reserve call slots a second ahead and start the jobs at them, until all are started or must go back.

        Reserving no further ahead leaves room for a background request between two rounds of a blast.
        """
        async with asyncio.TaskGroup() as group:
            while jobs:
                if (stop := await self._why_stop(jobs[0])) is not None:
                    self._give_back(jobs.popleft(), *stop)
                    continue
                within = min(self._left(), _RESERVE_AHEAD_SECONDS)
                reservation = await self._shared.limits.reserve(len(jobs), within_seconds=within)
                batch = [(jobs.popleft(), delay) for delay in reservation.delays_seconds]
                if batch:
                    group.create_task(self._issue_batch(reservation, batch))
                elif reservation.next_free_seconds > min(self._left(), _PATIENCE_SECONDS):
                    while jobs:
                        self._give_back(jobs.popleft(), reservation.next_free_seconds, "the rate is used up")
                if jobs:
                    await asyncio.sleep(min(max(reservation.next_free_seconds, 0.02), _STOP_CHECK_SECONDS))

    def _left(self) -> float:
        return max(0.0, self._start_until - time.monotonic())

    async def _issue_batch(self, reservation: Reservation, batch: list[tuple[ClaimedJob, float]]) -> None:
        now = time.monotonic()
        tally = _Tally()
        async with asyncio.TaskGroup() as group:
            for job, delay in batch:
                group.create_task(self._issue_at(job, now + delay, tally))
        await self._tell_limits(reservation, tally, len(batch))

    async def _issue_at(self, job: ClaimedJob, not_before: float, tally: "_Tally") -> None:
        async with self._turns[job.customer.fingerprint], self._slots:
            # In short sleeps: a stop comes from another process, which sets no event here.
            while (ahead := not_before - time.monotonic()) > 0 and await self._why_stop(job) is None:  # noqa: ASYNC110
                await asyncio.sleep(min(ahead, _STOP_CHECK_SECONDS))
            if (stop := await self._why_stop(job)) is not None:
                self._give_back(job, *stop)
                return
            self._begun.add(job.number)
            self._put(await self._send(job, tally))

    async def _why_stop(self, job: ClaimedJob) -> tuple[float, str] | None:
        """Say why the job must not be sent now, and after how many seconds it may be tried again."""
        now = time.monotonic()
        if self._is_stopping():
            return 0.0, "the worker is stopping"
        if now < self._closed_until:
            return self._closed_until - now, "the account is closed"
        if now > self._start_until:
            return 0.0, "the claim is about to lapse"
        try:
            halted = await self._shared.halts.halted()
        except LimitsUnavailable:
            return _LIMITS_LOST_SECONDS, "the limits are out of reach"
        return (0.0, "the campaign is halted") if job.campaign_id in halted else None

    async def _send(self, job: ClaimedJob, tally: "_Tally") -> Attempt:
        started_at_ms = time.time_ns() // 1_000_000
        started = time.monotonic()
        reward_id = job.lines[0].reward_id if job.variant is Variant.SINGLE else None
        reply = await self._client.issue(job.variant, job.body, reward_id)
        took = time.monotonic() - started
        outcome = classify(job.lines, job.variant, reply, resent=job.may_have_reached)
        decision = decide(outcome, self._history(job, took), self._bounds.policy, now=datetime.now(UTC), rng=self._rng)
        tally.add(outcome, reply)
        if outcome.closes_account:
            await self._close(outcome)
        return Attempt(
            job=job,
            outcome=outcome,
            decision=decision,
            started_at_ms=started_at_ms,
            took_ms=round(took * 1000),
            http_status=reply.status if isinstance(reply, Answer) else None,
            tracking_id=reply.tracking_id if isinstance(reply, Answer) else None,
            reply=reply.body if isinstance(reply, Answer) and outcome.kind is not Kind.ISSUED else None,
        )

    def _history(self, job: ClaimedJob, took: float) -> History:
        return History(
            attempts=job.budget_attempts + 1,
            age_seconds=took if job.budget_age_seconds is None else job.budget_age_seconds + took,
            in_doubt_before=job.may_have_reached,
            limit_deferrals=job.limit_deferrals,
            defers_limits=self._claim.defers_limits,
        )

    async def _close(self, outcome: Outcome) -> None:
        """Close the account for all workers: the answer was about it, not about the job (design rule 11)."""
        closed = self._bounds.policy.closed_seconds(outcome.retry_after, 0, self._rng)
        with suppress(LimitsUnavailable):  # this chunk stops all the same; the others learn it from their own calls
            closed = await self._shared.limits.close(closed, f"code {outcome.code}")
        self._closed_until = max(self._closed_until, time.monotonic() + closed)
        log.warning("account closed", seconds=round(closed, 1), code=outcome.code, message=outcome.message)

    async def _tell_limits(self, reservation: Reservation, tally: "_Tally", granted: int) -> None:
        limits, policy = self._shared.limits, self._bounds.policy
        with suppress(LimitsUnavailable):  # the outcomes are what counts; the next chunk notices that Redis is away
            closed = await limits.note(
                reservation, answered=tally.answered, failed=tally.failed, policy=policy, rng=self._rng
            )
            if closed is not None:
                log.warning("account closed", seconds=round(closed, 1), why="no readable answers in a row")
            await limits.give_back(reservation, granted - tally.sent)


class _Tally:
    """What came of a chunk's calls, as the account's limits count it."""

    def __init__(self) -> None:
        self.sent = self.answered = self.failed = 0

    def add(self, outcome: Outcome, reply: Reply) -> None:
        self.sent += 1
        if outcome.closes_account:
            return
        unreadable = outcome.kind in (Kind.IN_DOUBT, Kind.TRANSIENT) and (
            not isinstance(reply, Answer) or outcome.code is None or outcome.code == reply.status
        )
        if unreadable:
            self.failed += 1
        else:
            self.answered += 1
