"""The limiter in virtual time: the real code on a server whose clock the test sets."""

from collections.abc import Callable
from random import Random
from typing import Any

from benchmarks.limiter.apis import Api
from benchmarks.limiter.controllers import Ours, finish
from benchmarks.limiter.fleet import Child, Record, Supply
from benchmarks.limiter.lua_host import VirtualRedis
from benchmarks.limiter.simulation import Simulation
from limiter.feedback_buffer import CallResult
from limiter.rate_limiter import RateLimiter
from limiter.reservation import Reservation
from limiter.state import LimitState
from tests.contract.limiter.build import ACCEPTED, ISSUING, THROTTLED, report

RATE = 6_000
PER_SECOND = RATE // 60
ENDLESS = 1_000_000_000


class VirtualAccount:
    """One account and its workers, on a server in virtual time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.server_ahead = 0.0
        self.redis = VirtualRedis(lambda: self.now + self.server_ahead)

    def worker(self, **options: Any) -> RateLimiter:
        options = {"rate_per_minute": RATE, "rng": Random(1), "clock": lambda: self.now} | options
        return RateLimiter(self.redis, "till", **options)

    async def wait(self, seconds: float) -> None:
        self.now += seconds

    async def set_clock_back(self, seconds: float) -> None:
        self.server_ahead -= seconds
        await self.wait(0)


async def make_calls(
    account: VirtualAccount,
    limiter: RateLimiter,
    seconds: float,
    answer: Callable[[Random], CallResult] = lambda _: ACCEPTED,
    *,
    wanted: int = 10_000,
) -> list[float]:
    """Make all allowed calls for some seconds, each answered quickly; return their times."""
    made, rng, until = [], Random(1), account.now + seconds
    while account.now < until - 0.001:
        calls = await limiter.reserve(wanted, within_seconds=0, scope=ISSUING)
        made += [account.now] * len(calls.delays_seconds)
        await account.wait(0.05)
        if calls.delays_seconds:
            await report(limiter, calls, *[answer(rng) for _ in calls.delays_seconds])
    return made


def run(
    api: Callable[[Random], Api],
    seconds: float,
    *,
    rate: int = RATE,
    sizes: dict[int, int] | None = None,
    seed: int = 1,
) -> tuple[Record, LimitState]:
    """Run two children against a model of an API; return events, limits and the last state.

    The limit is sampled twice a second.
    """
    simulation = Simulation()
    controller = Ours(simulation, Random(f"limiter {seed}"), rate)
    supply = Supply(simulation, sizes or {1: ENDLESS}, Random(f"supply {seed}"))
    model = api(Random(f"api {seed}"))
    for child in range(2):
        Child(simulation, model, controller, supply, Random(f"child {child} {seed}"))
    for step in range(int(seconds * 2)):
        simulation.at(
            step / 2, lambda: supply.record.limits.append((simulation.now, controller.limit()))
        )
    simulation.run(seconds)
    return supply.record, finish(controller._limiter.state())


def accepted(record: Record, begin: float, end: float) -> float:
    """Accepted calls per second."""
    return sum(begin <= at < end for at, refused in record.calls if not refused) / (end - begin)


def refused_share(record: Record, begin: float, end: float) -> float:
    calls = [refused for at, refused in record.calls if begin <= at < end]
    return sum(calls) / len(calls)


def limits(record: Record, begin: float, end: float) -> list[float]:
    return [limit for at, limit in record.limits if begin <= at < end]


def granted(reservation: Reservation) -> int:
    return len(reservation.delays_seconds)


class HalfTaken:
    """Answers like an API that accepts half of the rate and throttles the rest."""

    def __init__(self, account: VirtualAccount) -> None:
        self._account = account
        self._tokens, self._at = PER_SECOND / 4, account.now

    def __call__(self, _: Random) -> CallResult:
        self._tokens = min(
            PER_SECOND / 4, self._tokens + (self._account.now - self._at) * PER_SECOND / 2
        )
        self._at = self._account.now
        if self._tokens < 1:
            return THROTTLED
        self._tokens -= 1
        return ACCEPTED
