"""Controllers, which decide how many calls may start: the product's and those of others."""

from collections.abc import Coroutine, Sequence
from random import Random
from typing import Any, Protocol, TypeVar

from benchmarks.limiter.lua_host import VirtualRedis
from benchmarks.limiter.simulation import Simulation
from limiter.feedback_buffer import CallResult, Verdict
from limiter.rate_limiter import RateLimiter
from limiter.reservation import Grant, Reservation, Scope

T = TypeVar("T")


class Controller(Protocol):
    """Grants call slots and learns from results."""

    def reserve(self, count: int, scope: Scope, *, is_repeat: bool) -> Reservation:
        """Reserve up to `count` calls."""

    def report(self, reservation: Reservation, result: CallResult) -> float:
        """Learn from a result; returns the seconds for which the scope is suspended."""

    def limit(self) -> float:
        """Calls a minute that are allowed now; 0 means unlimited."""

    def suspended_campaigns(self) -> Sequence[int]:
        """Campaigns that only get probes."""


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as stopped:
        result: T = stopped.value
        return result
    raise RuntimeError("the coroutine waits")


class Ours:
    """The product's limiter, in its own Lua and Python, on a Redis in virtual time."""

    def __init__(
        self, simulation: Simulation, rng: Random, rate_per_minute: int, *, adapts: bool = True
    ) -> None:
        self.redis = VirtualRedis(lambda: simulation.now)
        self._limiter = RateLimiter(
            self.redis,  # type: ignore[arg-type]  # what is used of a client is there
            "till",
            rate_per_minute=rate_per_minute,
            adapts=adapts,
            rng=rng,
            clock=lambda: simulation.now,
        )

    def reserve(self, count: int, scope: Scope, *, is_repeat: bool) -> Reservation:
        """Reserve like a chunk of a blast."""
        return finish(
            self._limiter.reserve(count, within_seconds=0.3, scope=scope, is_repeat=is_repeat)
        )

    def report(self, reservation: Reservation, result: CallResult) -> float:
        """Report like the admission."""
        return finish(self._limiter.report(reservation, result))

    def limit(self) -> float:
        """Read the state."""
        return finish(self._limiter.state()).allowed_per_minute

    def suspended_campaigns(self) -> Sequence[int]:
        """Read the state."""
        return list(finish(self._limiter.state()).campaigns)


class Bucket:
    """Even slots at a fixed rate, shared by all workers; the base of the other controllers."""

    def __init__(self, simulation: Simulation, rate_per_minute: int) -> None:
        self._simulation = simulation
        self._last = 0.0
        self.rate = float(rate_per_minute)

    def reserve(self, count: int, scope: Scope, *, is_repeat: bool) -> Reservation:
        """Grant the free slots of the next 0.3 s."""
        del is_repeat
        now, rate = self._simulation.now, self.limit()
        if rate == 0:
            return Reservation(Grant(scope), (0.0,) * count, 0.0)
        interval = 60 / rate
        last = max(self._last, now - max(0.65, interval))
        count = min(count, max(0, int((now + 0.3 - last) / interval)))
        self._last = last + count * interval
        ahead = last - now
        delays = tuple(max(0.0, ahead + place * interval) for place in range(1, count + 1))
        return Reservation(Grant(scope), delays, max(0.0, ahead + (count + 1) * interval))

    def report(self, reservation: Reservation, result: CallResult) -> float:
        """Ignore the result."""
        del reservation, result
        return 0.0

    def limit(self) -> float:
        """The fixed rate."""
        return self.rate

    def suspended_campaigns(self) -> Sequence[int]:
        """None: campaigns are not suspended."""
        return ()


class SdkAdaptive(Bucket):
    """The AWS SDKs' adaptive mode: 0.7 of the measured rate after a 429, then cubic growth."""

    BETA, SCALE, FILL_LEAST = 0.7, 0.4, 0.5

    def __init__(self, simulation: Simulation, rate_per_minute: int) -> None:
        super().__init__(simulation, rate_per_minute)
        self._measured, self._bucket, self._calls = 0.0, 0.0, 0
        self._fill, self._most, self._throttled_at = 0.0, 0.0, -1.0

    def limit(self) -> float:
        """The lower of the fixed rate and the learned one."""
        learnt = self._fill * 60 if self._throttled_at >= 0 else 0.0
        return min(filter(None, (learnt, self.rate)), default=0.0)

    def report(self, reservation: Reservation, result: CallResult) -> float:
        """Measure the rate twice a second; lower or raise the learned one."""
        del reservation
        now = self._simulation.now
        self._calls += 1
        bucket = int(now * 2) / 2
        if bucket > self._bucket:
            self._measured = 0.8 * self._calls / (bucket - self._bucket) + 0.2 * self._measured
            self._calls, self._bucket = 0, bucket
        if result.verdict in (Verdict.THROTTLED, Verdict.FAILED):
            used = self._measured if self._throttled_at < 0 else min(self._measured, self._fill)
            self._most, self._throttled_at = used, now
            learnt = used * self.BETA
        elif self._throttled_at < 0:
            return 0.0
        else:
            back = ((self._most * (1 - self.BETA)) / self.SCALE) ** (1 / 3)
            learnt = self.SCALE * (now - self._throttled_at - back) ** 3 + self._most
        self._fill = max(self.FILL_LEAST, min(learnt, 2 * self._measured))
        return 0.0


class SreThrottling(Bucket):
    """Google SRE's client-side throttling: rejects calls beyond K times the accepted ones."""

    K, HALF_LIFE = 2.0, 30.0

    def __init__(self, simulation: Simulation, rate_per_minute: int, rng: Random) -> None:
        super().__init__(simulation, rate_per_minute)
        self._rng, self._asked, self._accepted, self._at = rng, 0.0, 0.0, 0.0

    def reserve(self, count: int, scope: Scope, *, is_repeat: bool) -> Reservation:
        """Reject some of the slots that the rate grants."""
        granted = super().reserve(count, scope, is_repeat=is_repeat)
        self._age()
        kept = []
        for delay in granted.delays_seconds:
            refused = max(0.0, (self._asked - self.K * self._accepted) / (self._asked + 1))
            self._asked += 1
            if self._rng.random() >= refused:
                kept.append(delay)
        return Reservation(Grant(scope), tuple(kept), granted.next_free_seconds)

    def report(self, reservation: Reservation, result: CallResult) -> float:
        """Count accepted calls."""
        del reservation
        self._age()
        self._accepted += result.verdict is Verdict.ACCEPTED
        return 0.0

    def _age(self) -> None:
        share = 0.5 ** ((self._simulation.now - self._at) / self.HALF_LIFE)
        self._asked, self._accepted, self._at = (
            self._asked * share,
            self._accepted * share,
            self._simulation.now,
        )
