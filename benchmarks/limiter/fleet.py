"""A model of the workers: children that claim chunks of due jobs and retry what fails."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

from benchmarks.limiter.apis import Api, Job, Reply
from benchmarks.limiter.controllers import Controller
from benchmarks.limiter.simulation import Simulation
from issuance.retry import RetryPolicy
from limiter.feedback_buffer import CallResult, Verdict
from limiter.reservation import Reservation, Scope

CHUNK, PLACES = 500, 100
RESERVED_MOST, REFILL = PLACES * 3 // 2, PLACES * 2 // 5
READS_MOST = 16
RELEASE_SECONDS, POLL_LEAST, POLL_FULL, POLL_MOST = 0.5, 0.02, 0.05, 0.25


@dataclass
class Record:
    """The events of a run, with their times."""

    settled: list[tuple[float, int]] = field(default_factory=list)
    calls: list[tuple[float, bool]] = field(default_factory=list)
    """Time of each issue call, and whether it was rejected."""
    latencies: list[tuple[float, float]] = field(default_factory=list)
    limits: list[tuple[float, float]] = field(default_factory=list)
    """Calls a minute that were allowed, at sampled times."""
    exhausted: int = 0
    """Jobs that used up their retry budget."""
    suspensions: int = 0


class Supply:
    """Due jobs by campaign; campaigns take turns."""

    def __init__(self, simulation: Simulation, sizes: dict[int, int], rng: Random) -> None:
        self._simulation = simulation
        self._rng = rng
        self._left = dict(sizes)
        self._retries: dict[int, list[tuple[float, int, Job]]] = {
            campaign: [] for campaign in sizes
        }
        self._taken = dict.fromkeys(sizes, 0)
        self._number = 0
        self._probed: dict[int, float] = {}
        self.record = Record()

    def put_back(self, job: Job, due: float) -> None:
        """Return a job that is due later."""
        heappush(self._retries[job.campaign], (due, job.number, job))

    def take(self, most: int, suspended: Callable[[], list[int]]) -> deque[Job]:
        """Take a chunk of one campaign's due jobs; of a suspended campaign, one job a second."""
        held = suspended() if len(self._taken) > 1 else []
        due = [campaign for campaign in self._taken if self._is_due(campaign, held)]
        if not due:
            return deque()
        campaign = min(due, key=lambda each: self._taken[each])
        if campaign in held:
            most, self._probed[campaign] = 1, self._simulation.now
        elif len(self._taken) > 1:
            most = min(most, 25)
        chunk: deque[Job] = deque()
        retries = self._retries[campaign]
        while len(chunk) < most and retries and retries[0][0] <= self._simulation.now:
            chunk.append(heappop(retries)[2])
        while len(chunk) < most and self._left[campaign] > 0:
            self._left[campaign] -= 1
            self._number += 1
            chunk.append(Job(self._number, campaign, draw=self._rng.random()))
        self._taken[campaign] += len(chunk)
        return chunk

    def _is_due(self, campaign: int, held: list[int]) -> bool:
        now = self._simulation.now
        if campaign in held and now - self._probed.get(campaign, -9.0) < 1.0:
            return False
        return self._left[campaign] > 0 or bool(
            self._retries[campaign] and self._retries[campaign][0][0] <= now
        )


class Child:
    """A worker process: jobs of a chunk start at their slots while places are free."""

    def __init__(
        self, simulation: Simulation, api: Api, controller: Controller, supply: Supply, rng: Random
    ) -> None:
        self._simulation, self._api, self._controller = simulation, api, controller
        self._supply, self._record, self._rng = supply, supply.record, rng
        self._policy = RetryPolicy()
        self._chunk: deque[Job] = deque()
        self._ready: deque[tuple[Job, Reservation]] = deque()
        self._reserved = self._in_flight = 0
        self._held_until = 0.0
        simulation.at(rng.uniform(0, 0.02), self._poll)

    def _poll(self) -> None:
        now = self._simulation.now
        pause = POLL_MOST if now < self._held_until else self._reserve()
        self._simulation.at(
            now + min(max(pause, POLL_LEAST), POLL_MOST) * self._rng.uniform(0.8, 1.2), self._poll
        )

    def _reserve(self) -> float:
        if not self._chunk:
            self._chunk = self._supply.take(
                CHUNK, lambda: list(self._controller.suspended_campaigns())
            )
        room = RESERVED_MOST - self._reserved - self._in_flight
        if not self._chunk or room < min(len(self._chunk), REFILL):
            return POLL_FULL if self._chunk else POLL_MOST
        wanted = min(len(self._chunk), room)
        scope = Scope(self._chunk[0].campaign)
        is_repeat = all(job.attempts for job in self._chunk)
        reservation = self._controller.reserve(wanted, scope, is_repeat=is_repeat)
        for delay in reservation.delays_seconds:
            self._reserved += 1
            self._simulation.at(
                self._simulation.now + delay, self._start, self._chunk.popleft(), reservation
            )
        if self._chunk and reservation.held == "campaign_suspended":
            for job in self._chunk:
                self._supply.put_back(job, self._simulation.now + self._rng.uniform(2, 8))
            self._chunk.clear()
        return reservation.next_free_seconds

    def _start(self, job: Job, reservation: Reservation) -> None:
        if self._simulation.now < self._held_until and not reservation.is_probe:
            self._reserved -= 1
            self._chunk.appendleft(job)
        elif self._in_flight >= PLACES:
            self._ready.append((job, reservation))
        else:
            self._reserved -= 1
            self._call(job, reservation)

    def _call(self, job: Job, reservation: Reservation) -> None:
        self._in_flight += 1
        job.calls += 1
        reply = self._api.call(job, self._simulation.now)
        refused = reply.verdict is not Verdict.ACCEPTED
        self._record.calls.append((self._simulation.now, refused))
        self._simulation.at(
            self._simulation.now + reply.latency, self._end, job, reservation, reply
        )

    def _end(self, job: Job, reservation: Reservation, reply: Reply) -> None:
        self._in_flight -= 1
        now = self._simulation.now
        took = reply.latency if reply.verdict is Verdict.ACCEPTED else None
        if took is not None:
            self._record.latencies.append((now, took))
        is_repeat = job.attempts > 0
        result = CallResult(
            reply.verdict, reply.settles, is_repeat, reply.retry_after, took, "model"
        )
        suspended = self._controller.report(reservation, result)
        if suspended > 0:
            self._record.suspensions += 1
            self._held_until = max(self._held_until, now + suspended)
        self._decide(job, reservation, reply)
        while self._ready and self._in_flight < PLACES:
            self._reserved -= 1
            self._call(*self._ready.popleft())

    def _decide(self, job: Job, reservation: Reservation, reply: Reply) -> None:
        now = self._simulation.now
        if reply.settles or reply.reads:
            self._record.settled.append((now, job.campaign))
            if reply.reads:
                self._simulation.at(now + self._rng.uniform(2, 10), self._read, job, reply.reads, 0)
            return
        if reply.verdict is Verdict.THROTTLED:
            delay = reply.retry_after * self._rng.uniform(1.0, 1.25)
        else:
            job.attempts += not reservation.is_probe
            delay = self._policy.backoff_seconds(job.attempts, self._rng)
            if job.attempts >= self._policy.max_attempts:
                self._record.exhausted += 1
                self._record.settled.append((now, job.campaign))
                return
        self._supply.put_back(job, now + delay + self._rng.uniform(0, RELEASE_SECONDS))

    def _read(self, job: Job, reads: int, failures: int) -> None:
        """Make a job's reads, one after the other; repeat a failed one after a backoff."""
        scope, now = Scope(job.campaign, is_read=True), self._simulation.now
        reservation = self._controller.reserve(1, scope, is_repeat=False)
        if not reservation.delays_seconds:
            self._simulation.at(
                now + max(1.0, reservation.next_free_seconds), self._read, job, reads, failures
            )
            return
        reply = self._api.read(now)
        failed = reply.verdict is not Verdict.ACCEPTED
        self._controller.report(reservation, CallResult(reply.verdict, not failed, reason="model"))
        if failed and failures < READS_MOST:
            again = now + self._policy.backoff_seconds(failures + 1, self._rng)
            self._simulation.at(again, self._read, job, reads, failures + 1)
        elif reads > 1 and not failed:
            self._simulation.at(now + reply.latency, self._read, job, reads - 1, failures)
