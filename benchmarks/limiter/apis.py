"""Models of a rewards API: how it answers a call at a given time."""

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random

from limiter.feedback_buffer import Verdict


@dataclass(slots=True)
class Job:
    """One job of a campaign, as API and fleet see it."""

    number: int
    campaign: int = 1
    attempts: int = 0
    """Attempts that count towards the retry budget."""
    calls: int = 0
    draw: float = 0.0
    """Uniform in 0..1; decides which faults the job meets."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of a call, after its latency."""

    latency: float
    verdict: Verdict = Verdict.ACCEPTED
    settles: bool = True
    retry_after: float = 0.0
    reads: int = 0
    """Reads that reconciliation needs afterwards."""


class Api:
    """Answers every call after a latency; subclasses add faults.

    Args:
            rng: random numbers.
            latency: mean seconds of an answer; each varies by up to 20 %.
    """

    def __init__(self, rng: Random, latency: float = 0.05) -> None:
        self.rng = rng
        self.latency = latency

    def call(self, job: Job, now: float) -> Reply:
        """Answer an issue call."""
        del job, now
        return Reply(self.plain())

    def read(self, now: float) -> Reply:
        """Answer a read."""
        del now
        return Reply(self.plain())

    def plain(self) -> float:
        """A random latency."""
        return self.latency * self.rng.uniform(0.8, 1.2)


class Stray(Api):
    """A share of calls fails, each independently of the others."""

    def __init__(self, rng: Random, share: float, reply: Reply, latency: float = 0.05) -> None:
        super().__init__(rng, latency)
        self.share = share
        self.reply = reply

    def call(self, job: Job, now: float) -> Reply:
        """Fail at random."""
        return self.reply if self.rng.random() < self.share else super().call(job, now)


class Measured(Api):
    """The faults of the measured run: by customer and on the first call only; 3 % get two 429s."""

    FAILED_FIRST, THROTTLED_TWICE, TWICE = 0.20, 0.23, 2

    def call(self, job: Job, now: float) -> Reply:
        """Fail, depending on the customer."""
        if job.draw < self.FAILED_FIRST and job.calls == 1:
            return Reply(self.plain(), Verdict.FAILED, settles=False)
        if self.FAILED_FIRST <= job.draw < self.THROTTLED_TWICE and job.calls <= self.TWICE:
            return Reply(self.plain(), Verdict.THROTTLED, settles=False, retry_after=1.0)
        return super().call(job, now)


class HardLimit(Api):
    """A token bucket: 429 above its rate, which may change over time.

    Args:
            rng: random numbers.
            rate: calls a second at a given time.
            burst_seconds: size of the bucket in seconds of the rate.
    """

    def __init__(
        self, rng: Random, rate: Callable[[float], float], burst_seconds: float = 0.5
    ) -> None:
        super().__init__(rng)
        self.rate = rate
        self.burst_seconds = burst_seconds
        self._tokens = rate(0.0) * burst_seconds
        self._at = 0.0

    def call(self, job: Job, now: float) -> Reply:
        """Answer as long as there are tokens."""
        rate = self.rate(now)
        self._tokens = min(rate * self.burst_seconds, self._tokens + (now - self._at) * rate)
        self._at = now
        if self._tokens < 1:
            return Reply(0.05, Verdict.THROTTLED, settles=False, retry_after=1.0)
        self._tokens -= 1
        return super().call(job, now)


class Capacity(Api):
    """Servers with a queue: latency grows above their capacity, and a full queue answers 503.

    Args:
            rng: random numbers.
            per_second: the capacity in calls.
            latency: seconds of service.
            queue: calls that may wait.
    """

    def __init__(
        self, rng: Random, per_second: float, latency: float = 0.05, queue: int = 200
    ) -> None:
        super().__init__(rng, latency)
        self._free = [0.0] * round(per_second * latency)
        self._queue = queue
        self._per_second = per_second

    def call(self, job: Job, now: float) -> Reply:
        """Wait for a free server."""
        del job
        waits = max(0.0, self._free[0] - now)
        if waits * self._per_second > self._queue:
            return Reply(0.01, Verdict.FAILED, settles=False)
        ends = now + waits + self.plain()
        heappop(self._free)
        heappush(self._free, ends)
        return Reply(ends - now)


class SlowFrom(Api):
    """Latency that rises at a given time, not because of load."""

    def __init__(self, rng: Random, at: float, latency: float) -> None:
        super().__init__(rng)
        self._at = at
        self._then = latency

    def call(self, job: Job, now: float) -> Reply:
        """Answer with the latency of that time."""
        self.latency = self._then if now >= self._at else self.latency
        return super().call(job, now)


class Hanging(Api):
    """A share of calls hangs until the client's timeout."""

    TIMEOUT = 30.0

    def __init__(self, rng: Random, share: float, latency: float = 0.05) -> None:
        super().__init__(rng, latency)
        self._share = share

    def call(self, job: Job, now: float) -> Reply:
        """Hang at random."""
        if self.rng.random() < self._share:
            return Reply(self.TIMEOUT, Verdict.FAILED, settles=False)
        return super().call(job, now)


class Outage(Api):
    """Refuses every call during an outage."""

    def __init__(self, rng: Random, begins: float, ends: float) -> None:
        super().__init__(rng)
        self._begins, self._ends = begins, ends

    def call(self, job: Job, now: float) -> Reply:
        """Refuse during the outage."""
        if self._begins <= now < self._ends:
            return Reply(self.plain(), Verdict.FAILED, settles=False)
        return super().call(job, now)


class Reconciled(Api):
    """A share of calls gets an answer that must be reconciled by reads, which may fail."""

    def __init__(self, rng: Random, share: float, *, reads_fail: bool = False) -> None:
        super().__init__(rng)
        self._share, self._reads_fail = share, reads_fail

    def call(self, job: Job, now: float) -> Reply:
        """Require reads at random."""
        if self.rng.random() < self._share:
            return Reply(self.plain(), settles=False, reads=3)
        return super().call(job, now)

    def read(self, now: float) -> Reply:
        """Fail if the model says so."""
        if self._reads_fail:
            return Reply(self.plain(), Verdict.FAILED, settles=False)
        return super().read(now)


class ByCampaign(Api):
    """A model for each campaign, as for rewards of different vendors."""

    def __init__(self, rng: Random, models: dict[int, Api]) -> None:
        super().__init__(rng)
        self._models = models

    def call(self, job: Job, now: float) -> Reply:
        """Answer by the campaign's model."""
        return self._models[job.campaign].call(job, now)


class FailsAlways(Api):
    """Some customers' calls always fail, the others' never."""

    def __init__(self, rng: Random, share: float) -> None:
        super().__init__(rng)
        self._share = share

    def call(self, job: Job, now: float) -> Reply:
        """Fail, depending on the customer."""
        if job.draw < self._share:
            return Reply(self.plain(), Verdict.FAILED, settles=False)
        return super().call(job, now)
