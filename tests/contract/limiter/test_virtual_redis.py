"""The laboratory's Redis runs the scripts like a real server: same replies, same hashes.

A server's clock cannot be set, so here the scripts read the time from a hash. They are otherwise
unchanged.
"""

from random import Random
from typing import NamedTuple

import pytest
from structlog.testing import capture_logs

from benchmarks.limiter.lua_host import VirtualRedis
from limiter.feedback_buffer import CallResult, Verdict
from limiter.keys import campaign_key, limits_key, reads_key
from limiter.rate_limiter import RateLimiter
from limiter.reservation import Scope

STEPS = 400
SCOPES = (Scope(7), Scope(7), Scope(8), Scope(7, is_read=True))
CLOCK = "clock-of-a-test"
START = 1_800_000_000  # seconds of the virtual clock


class ClockedRedis:
    """A client whose scripts read the time that the test has stored."""

    def __init__(self, redis) -> None:
        self._redis = redis
        self.smembers = redis.smembers
        self._clock = f"redis.call('HMGET', '{CLOCK}', 'seconds', 'microseconds')"

    def register_script(self, text: str):
        assert text.count("redis.call('TIME')") == 1
        return self._redis.register_script(text.replace("redis.call('TIME')", self._clock))

    async def set_time(self, seconds: float) -> None:
        microseconds = round(seconds * 1_000_000)
        fields = {
            "seconds": START + microseconds // 1_000_000,
            "microseconds": microseconds % 1_000_000,
        }
        await self._redis.hset(CLOCK, mapping=fields)


class Behaviour(NamedTuple):
    """The API's behaviour for a while."""

    accepted: float
    throttled: float = 0.0
    unauthorised: float = 0.0
    latency: float = 0.05


BEHAVIOURS = (
    Behaviour(1),
    Behaviour(1),
    Behaviour(0.7),
    Behaviour(0.6, 0.4),
    Behaviour(0),
    Behaviour(0, 0.5, 0.5),
    Behaviour(1, 0, 0, 2),
)


def draw_result(rng: Random, behaviour: Behaviour) -> CallResult:
    draw = rng.random()
    verdict = Verdict.FAILED
    for each, share in zip(
        (Verdict.ACCEPTED, Verdict.THROTTLED, Verdict.UNAUTHORISED), behaviour[:3], strict=True
    ):
        if 0 <= draw < share:
            verdict = each
        draw -= share
    is_accepted = verdict is Verdict.ACCEPTED
    return CallResult(
        verdict,
        settled=is_accepted and rng.random() < 0.8,
        is_repeat=rng.random() < 0.3,
        retry_after_seconds=2.0 if verdict is Verdict.THROTTLED and rng.random() < 0.5 else 0.0,
        took_seconds=behaviour.latency * rng.uniform(0.8, 1.2) if is_accepted else None,
        reason="" if is_accepted else f"HTTP of {verdict.name}",
    )


class Pair:
    """The same worker on a real server and in virtual time."""

    def __init__(self, redis, account: str, rate: int) -> None:
        self.now, self.server_behind, self.account, self.server = 0.0, 0.0, account, redis
        self.redises = (ClockedRedis(redis), VirtualRedis(lambda: self.now - self.server_behind))
        self.limiters = [
            RateLimiter(each, account, rate_per_minute=rate, rng=Random(5), clock=lambda: self.now)
            for each in self.redises
        ]

    async def wait(self, seconds: float) -> None:
        self.now += seconds
        await self.redises[0].set_time(self.now - self.server_behind)

    async def reserve(self, count: int, **options):
        one, other = [await each.reserve(count, **options) for each in self.limiters]
        assert one == other
        return one

    async def report(self, reservation, result: CallResult) -> None:
        one, other = [await each.report(reservation, result) for each in self.limiters]
        assert one == other

    async def compare_all(self) -> None:
        one, other = [await each.state() for each in self.limiters]
        assert one == other
        virtual = self.redises[1].hashes
        for key in (
            limits_key(self.account),
            reads_key(self.account),
            campaign_key(self.account, 7),
        ):
            assert await self.server.hgetall(key) == dict(virtual[key] or {})


@pytest.mark.parametrize("rate", [0, 600, 6_000])
async def test_a_random_sequence_of_calls_has_the_same_result_in_both(redis, account, rate):
    pair, rng, behaviour = Pair(redis, account, rate), Random(rate), BEHAVIOURS[0]
    await pair.wait(0)
    with capture_logs() as logged:
        for step in range(STEPS):
            if step % 25 == 0:
                behaviour = rng.choice(BEHAVIOURS)
                pair.server_behind += rng.choice((0, 0, 600))
                await pair.wait(0)
                await pair.compare_all()
            reservation = await pair.reserve(
                rng.randrange(30),
                within_seconds=rng.choice((0.0, 0.3, 1.0)),
                scope=rng.choice(SCOPES),
                preferred=rng.random() < 0.2,
                is_repeat=rng.random() < 0.3,
            )
            await pair.wait(rng.choice((0.0, 0.05, 0.1, 0.3, 1.0)))
            for _ in reservation.delays_seconds:
                await pair.report(reservation, draw_result(rng, behaviour))
            await pair.wait(rng.choice((0.0, 0.05, 0.6)))
    await pair.compare_all()
    assert {"account_suspended", "account_available"} <= {event["event"] for event in logged}
