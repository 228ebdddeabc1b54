"""Issues a chunk: sends its claimed jobs concurrently, within the account's limits."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from random import Random
from typing import TypeVar

import structlog

from issuance.fingerprints import Fingerprints
from issuance.job import Lane
from ledger.dispatch.claimed_jobs import Claim, ClaimedJob
from ledger.results.attempts import Attempt, GiveBack, Result
from limiter.reservation import KEPT_SECONDS, Reservation, Scope
from limiter.unavailable import LimitsUnavailable
from rewards_api.client import RewardsClient
from worker.chunk.admission import LIMITS_LOST, Admission, Rejection, is_repeat
from worker.chunk.bounds import Bounds
from worker.chunk.chunk_locks import ChunkLocks
from worker.chunk.hand_over import HandOver
from worker.chunk.limits import Limits
from worker.chunk.places import Places
from worker.chunk.progress import Progress
from worker.chunk.reconciler import Reconciler
from worker.chunk.sender import Sender

T = TypeVar("T")

log = structlog.get_logger("issuance.worker")

_LOCKED_AGAIN_SECONDS = 2.0
_BROKEN_AGAIN_SECONDS = 5.0
_RESERVE_AHEAD_SECONDS = {Lane.BLAST: KEPT_SECONDS - 0.05, Lane.BACKGROUND: 1.0}
"""A blast reserves less far ahead than the background lane, so that background calls find a slot.
With the same value, the many chunks of a blast took every slot for seconds."""
_PATIENCE_SECONDS = 5.0
"""The longest wait for a call slot; after that the jobs go back to the ledger."""
_STOP_CHECK_SECONDS = 0.25
_RESERVE_AGAIN_SECONDS = 0.02


class ChunkIssuing:
    """Issues one claimed chunk and passes each job's result on at once.

    Args:
        claim: the claimed jobs.
        client: the rewards API.
        limits: the limits, the customers' locks and the paused campaigns.
        bounds: time limits.
        places: the child's places, shared by all of its chunks.
        fingerprints: makes the customers' fingerprints, which name their locks.
        is_stopping: returns whether the worker is stopping; called before each API call.
        put: receives each result, in the event loop's thread.
        hand_over: called there at most once, when the child may take its next chunk while calls are
            open.
        rng: the source of jitter.
        eager: whether to hand over as soon as the next job must wait: see `HandOver`.
        traceparent_of: see `Sender`.
    """

    def __init__(
        self,
        claim: Claim,
        client: RewardsClient,
        limits: Limits,
        bounds: Bounds,
        places: Places,
        *,
        fingerprints: Fingerprints,
        is_stopping: Callable[[], bool],
        put: Callable[[Result], None],
        hand_over: Callable[[], Awaitable[None]],
        rng: Random,
        eager: bool = False,
        traceparent_of: Callable[[ClaimedJob], str | None] | None = None,
    ) -> None:
        self._claim = replace(claim, jobs=())  # jobs are released from memory one by one
        self._campaign_id = claim.campaign_id
        self._limits = limits
        self._lease_seconds = bounds.lease_seconds
        self._put = put
        self._rng = rng
        self._admission = Admission(
            limits,
            bounds,
            campaign_id=claim.campaign_id,
            is_stopping=is_stopping,
            rng=rng,
            is_cancelled=claim.is_cancelled,
            is_watched=claim.is_watched,
            closes_at=claim.closes_at,
        )
        self._sender = Sender(claim, client, bounds.policy, rng, traceparent_of, zone=bounds.zone)
        self._reconciler = Reconciler(
            client,
            bounds.policy,
            rng,
            take_slot=self._admission.take_read_slot,
            within_seconds=bounds.call_seconds,
        )
        self._places = places
        self._progress = Progress(claim.jobs, places, fingerprints)
        self._is_stopping = is_stopping
        self._hand_over = hand_over
        self._eager = eager

    def break_off(self) -> None:
        """Start no further calls. Thread-safe."""
        self._admission.break_off()

    async def run(self) -> None:
        """Issue the chunk: afterwards each job was put once, or waits for its lease to lapse.

        The latter happens only when this code fails during a call. Whether the call was sent is
        then unknown, and a lapsed claim means just that.
        """
        self._progress.open()
        try:
            await self._issue_locked()
        except LimitsUnavailable as error:
            self._lose_limits(self._progress.left, error)
        finally:
            self._give_back_all(
                self._progress.left, Rejection(_BROKEN_AGAIN_SECONDS, "the chunk broke off")
            )
            self._progress.close()

    def _lose_limits(self, jobs: Iterable[ClaimedJob], error: LimitsUnavailable) -> None:
        log.warning("limits_unavailable", error=str(error), chunk_id=self._claim.chunk_id)
        self._give_back_all(jobs, LIMITS_LOST)

    def _give_back_all(self, jobs: Iterable[ClaimedJob], rejection: Rejection) -> None:
        for job in jobs:
            self._give_back(job, rejection)

    def _give_back(self, job: ClaimedJob, rejection: Rejection) -> None:
        self._put(GiveBack(job, rejection.delay_seconds, rejection.because))
        self._progress.begin(job)
        self._progress.end(job)

    async def _issue_locked(self) -> None:
        customers = self._progress.customers
        locks = ChunkLocks(self._limits.locks, self._claim.chunk_id, customers, self._lease_seconds)
        watch = HandOver(
            self._progress,
            self._places,
            locks,
            is_stopping=self._is_stopping,
            notify=self._hand_over,
            eager=self._eager,
        )
        try:
            held = await locks.acquire()
            async with watch:
                free = self._split_locked(held)
                sends = deque(job for job in free if job.fallback is None)
                reads = deque(job for job in free if job.fallback is not None)
                await _await_all(
                    [self._start_all(sends, is_read=False), self._start_all(reads, is_read=True)]
                )
        finally:
            await locks.release()

    def _split_locked(self, held: set[str]) -> deque[ClaimedJob]:
        """Give back jobs of customers who have a call elsewhere: one call at a time (rule 10)."""
        free: deque[ClaimedJob] = deque()
        for job in self._progress.left:
            if self._progress.customer_of(job) in held:
                free.append(job)
            else:
                delay = self._rng.uniform(_LOCKED_AGAIN_SECONDS / 2, _LOCKED_AGAIN_SECONDS)
                self._give_back(job, Rejection(delay, "another call for this customer is running"))
        return free

    async def _start_all(self, waiting: deque[ClaimedJob], *, is_read: bool) -> None:
        """Reserve call slots a little ahead, and start jobs until all have begun or gone back."""
        batches: list[asyncio.Task[None]] = []
        try:
            while waiting:
                if not (room := await self._room(waiting)):
                    continue
                reservation = await self._reserve(waiting, room, is_read=is_read)
                if reservation.delays_seconds:
                    batch = _take(waiting, reservation)
                    self._places.reserved.rise(len(batch))
                    batches.append(asyncio.create_task(self._issue_batch(reservation, batch)))
                else:
                    self._give_back_unless_soon(waiting, reservation)
                if waiting and len(reservation.delays_seconds) < room:
                    pause = max(reservation.next_free_seconds, _RESERVE_AGAIN_SECONDS)
                    # Jitter: without it chunks would ask in the same order, and the last would
                    # always get the least.
                    await asyncio.sleep(
                        min(pause, _STOP_CHECK_SECONDS) * self._rng.uniform(0.8, 1.2)
                    )
        except LimitsUnavailable as error:
            self._lose_limits(waiting, error)  # at once: a slow call must not hold them
        finally:
            # Even after an exception: open calls have outcomes, and those count.
            await _await_all(batches)

    async def _room(self, waiting: deque[ClaimedJob]) -> int:
        """Return for how many jobs slots may be reserved now; may give back the first one."""
        if (rejection := await self._admission.reject(waiting[0])) is not None:
            self._give_back(waiting.popleft(), rejection)
            return 0
        return await self._progress.room(len(waiting))

    async def _reserve(
        self, waiting: deque[ClaimedJob], room: int, *, is_read: bool
    ) -> Reservation:
        lane = self._claim.lane
        return await self._limits.limiter.reserve(
            room,
            within_seconds=min(self._admission.left_seconds, _RESERVE_AHEAD_SECONDS[lane]),
            scope=Scope(self._campaign_id, is_read=is_read),
            preferred=lane is Lane.BACKGROUND,
            is_repeat=all(is_repeat(job) for job in waiting),
        )

    def _give_back_unless_soon(self, waiting: deque[ClaimedJob], reservation: Reservation) -> None:
        """Give back jobs that cannot be called soon, so that this child can take another chunk.

        While the account is suspended, one job stays as the next probe.
        """
        kept: list[ClaimedJob] = []
        if reservation.next_free_seconds <= min(self._admission.left_seconds, _PATIENCE_SECONDS):
            if reservation.held == "":
                return
            kept = [_pick_probe(waiting)] if reservation.held == "suspended" else []
        given = [job for job in waiting if job not in kept]
        self._give_back_all(
            given, self._admission.wait(reservation.next_free_seconds, reservation.held)
        )
        waiting.clear()
        waiting.extend(kept)

    async def _issue_batch(self, reservation: Reservation, batch: list[ClaimedJob]) -> None:
        now = time.monotonic()
        starts = [now + delay for delay in reservation.delays_seconds]
        calls = [
            self._progress.track(job, self._issue_at(job, start, reservation))
            for job, start in zip(batch, starts, strict=True)
        ]
        batch.clear()  # one slow call must not keep all of them in memory
        made = await _await_all(calls)
        await self._admission.finish(reservation, len(made) - sum(made))

    async def _issue_at(self, job: ClaimedJob, not_before: float, reservation: Reservation) -> bool:
        """Make the job's call at its slot; False if the job was given back."""
        is_probe = reservation.is_probe
        async with self._progress.turns[self._progress.customer_of(job)], self._places.calls:
            rejection = await self._admission.reject(job, is_probe=is_probe)
            # Short sleeps: a stop is set by another process, which cannot wake this loop.
            while rejection is None and (ahead := not_before - time.monotonic()) > 0:
                await asyncio.sleep(min(ahead, _STOP_CHECK_SECONDS))
                rejection = await self._admission.reject(job, is_probe=is_probe)
            if rejection is not None:
                self._give_back(job, rejection)
                return False
            self._progress.begin(job)
            idle_before = self._limits.loop_lag.idle_seconds
            try:
                attempt = await self._call(job, reservation)
            except Exception:
                # A bug must not cost the other jobs their outcomes. Whether the call was sent is
                # unknown, so this job waits for its lease to lapse.
                log.exception("call_failed", request_id=job.id, chunk_id=self._claim.chunk_id)
                return True
            self._put(attempt)
        await self._admission.report(reservation, attempt, idle_before=idle_before)
        return True

    async def _call(self, job: ClaimedJob, reservation: Reservation) -> Attempt:
        is_probe, others_answered = reservation.is_probe, reservation.others_answered
        if job.fallback is not None:
            return await self._reconciler.reconcile(job, is_probe=is_probe)
        return await self._sender.send(job, is_probe=is_probe, others_answered=others_answered)


def _take(waiting: deque[ClaimedJob], reservation: Reservation) -> list[ClaimedJob]:
    """Take the jobs for a reservation's slots."""
    if not reservation.is_probe:
        return [waiting.popleft() for _ in reservation.delays_seconds]
    probe = _pick_probe(waiting)
    waiting.remove(probe)
    return [probe]


def _pick_probe(waiting: deque[ClaimedJob]) -> ClaimedJob:
    """Prefer a job that has not failed before: its result says most about the account."""
    return next((job for job in waiting if not is_repeat(job)), waiting[0])


async def _await_all(work: Iterable[Awaitable[T]]) -> list[T]:
    """Wait for all, then raise the first exception; a TaskGroup would cancel the rest."""
    results: list[T] = []
    for ended in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended
        results.append(ended)
    return results
