"""Builders for the worker's tests: claimed jobs, a scripted API and a desk that issues a chunk."""

import asyncio
import inspect
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from fakeredis import FakeServer
from redis.asyncio import Redis

from issuance.endpoint import Variant
from issuance.fingerprints import Fingerprints
from issuance.job import Job, Lane
from issuance.replies.reply import Answer, Reply
from issuance.retry import RetryPolicy
from ledger.dispatch.claimed_jobs import Claim, ClaimedJob
from ledger.results.attempts import Attempt, GiveBack, Result
from limiter.customer_locks import CustomerLocks
from limiter.keys import limits_key
from limiter.paused_campaigns import PausedCampaigns
from limiter.rate_limiter import RateLimiter
from limiter.reservation import Scope
from limiter.state import LimitState
from tests.contract.ledger.build import make_job
from worker.chunk.bounds import Bounds
from worker.chunk.issuer import ChunkIssuing
from worker.chunk.limits import Limits
from worker.chunk.places import Places

ACCOUNT = "till"
CAMPAIGN_ID = 7
FINGERPRINTS = Fingerprints(bytes(32))
BOUNDS = Bounds(policy=RetryPolicy(), start_within_seconds=30, lease_seconds=60)


def claimed(
    number: int, *, customer: int | None = None, job: Job | None = None, **changes: Any
) -> ClaimedJob:
    """Make job `number` as a claim returns it; `customer` is `number` unless given."""
    job = job or make_job(customer or number, occurrence=number)
    fresh = ClaimedJob(
        number=number,
        id=job.id,
        campaign_id=CAMPAIGN_ID,
        customer=job.customer,
        variant=job.variant,
        body=job.body,
        lines=job.lines,
        generation=1,
        attempts=0,
        budget_attempts=0,
        budget_age_seconds=None,
        may_have_reached=False,
        limit_deferrals=0,
        redrives=0,
    )
    return replace(fresh, **changes)


@dataclass
class FakeApi:
    """An API that issues every reward, apart from the given replies.

    Attributes:
        latency_seconds: the duration of each call.
        replies: the reply, or the exception, of the calls with these numbers; they count from 0.
        always: the reply of all other calls.
        slow: customers (their identifiers) whose calls hang until `let_go`.
    """

    latency_seconds: float = 0.0
    replies: dict[int, Reply | Exception] = field(default_factory=dict)
    always: Reply | None = None
    on_call: Callable[[int], None] = lambda _: None
    slow: set[str] = field(default_factory=set)
    starts: list[float] = field(default_factory=list)
    customers: list[str] = field(default_factory=list)
    reward_ids: list[int | None] = field(default_factory=list)
    scopes: list[str | None] = field(default_factory=list)
    traceparents: list[str | None] = field(default_factory=list)
    running: Counter[str] = field(default_factory=Counter)
    most_running: int = 0
    most_of_a_customer: int = 0

    def __post_init__(self) -> None:
        self._called = asyncio.Event()
        self.held = asyncio.Event()
        self.held.set()
        self.let_go = asyncio.Event()

    async def wait_for_calls(self, count: int) -> None:
        """Wait until this many calls have started."""
        while len(self.starts) < count:
            self._called.clear()
            await self._called.wait()

    async def issue(
        self,
        variant: Variant,
        body: bytes,
        reward_id: int | None = None,
        *,
        scope: str | None = None,
        traceparent: str | None = None,
    ) -> Reply:
        self.scopes.append(scope)
        self.traceparents.append(traceparent)
        call, sent = len(self.starts), json.loads(body)
        customer = sent["mobile"]
        self.starts.append(time.monotonic())
        self.customers.append(customer)
        self.reward_ids.append(reward_id)
        self.running[customer] += 1
        self.most_running = max(self.most_running, self.running.total())
        self.most_of_a_customer = max(self.most_of_a_customer, self.running[customer])
        self._called.set()
        self.on_call(call)
        try:
            await self.held.wait()
            if customer in self.slow:
                await self.let_go.wait()
            await asyncio.sleep(self.latency_seconds)
        finally:
            self.running[customer] -= 1
        reply = self.replies.get(call, self.always)
        if isinstance(reply, Exception):
            raise reply
        return reply or _issued(sent, variant)


def _issued(sent: dict[str, Any], variant: Variant) -> Answer:
    status = {"success": True, "code": 200, "message": "ok"}
    if variant is Variant.SINGLE:
        return Answer(200, json.dumps({"status": status, "requestId": sent["requestId"]}).encode())
    elements = [
        {
            "status": status,
            "requestId": reward["requestId"],
            "rewardId": reward["rewardId"],
            "quantity": 1,
            "intouch": [{"couponCode": f"V-{reward['requestId'][:8]}"}],
        }
        for reward in sent["rewards"]
    ]
    return Answer(200, json.dumps({"status": status, "rewards": elements}).encode())


@dataclass
class IssuingDesk:
    """One worker's limits, locks and paused campaigns on a fake Redis, and the API it calls."""

    server: FakeServer
    redis: Redis
    api: FakeApi
    stopping: bool = False
    results: list[Result] = field(default_factory=list)
    handed_over: list[str] = field(default_factory=list)
    places: Places = field(default_factory=lambda: Places(50))

    def __post_init__(self) -> None:
        self.set_up(rate_per_minute=0)

    def set_up(
        self, *, rate_per_minute: int = 0, limiter: type[RateLimiter] = RateLimiter, **options: Any
    ) -> None:
        account = limiter(self.redis, ACCOUNT, rate_per_minute=rate_per_minute, **options)
        locks, campaigns = CustomerLocks(self.redis, ACCOUNT), PausedCampaigns(self.redis, ACCOUNT)
        self.limits = Limits(self.redis, account, locks, campaigns)

    @property
    def limiter(self) -> RateLimiter:
        return self.limits.limiter

    def issuing(
        self,
        *jobs: ClaimedJob,
        chunk_id: str = "chunk",
        is_cancelled: bool = False,
        lane: Lane = Lane.BLAST,
        max_concurrent: int | None = None,
        eager: bool = False,
        traceparent_of: Callable[[ClaimedJob], str | None] | None = None,
        closes_at: float | None = None,
        **bounds: Any,
    ) -> ChunkIssuing:
        """Return a chunk's issuer. With `max_concurrent` it has its own places, else the desk's."""

        async def hand_over() -> None:
            self.handed_over.append(chunk_id)

        return ChunkIssuing(
            Claim(
                chunk_id,
                "diwali",
                defers_limits=False,
                jobs=jobs,
                is_cancelled=is_cancelled,
                lane=lane,
                closes_at=closes_at,
            ),
            self.api,
            self.limits,
            replace(BOUNDS, **bounds),
            self.places if max_concurrent is None else Places(max_concurrent),
            fingerprints=FINGERPRINTS,
            is_stopping=lambda: self.stopping,
            put=self.results.append,
            hand_over=hand_over,
            rng=Random(1),
            eager=eager,
            traceparent_of=traceparent_of,
        )

    async def issue(self, *jobs: ClaimedJob, **options: Any) -> None:
        """Issue a chunk and check that no job has two results."""
        await self.issuing(*jobs, **options).run()
        numbers = [result.job.number for result in self.results]
        assert len(numbers) == len(set(numbers))

    @property
    def attempts(self) -> list[Attempt]:
        return [result for result in self.results if isinstance(result, Attempt)]

    @property
    def given_back(self) -> list[GiveBack]:
        return [result for result in self.results if isinstance(result, GiveBack)]

    @property
    def reasons(self) -> set[str]:
        return {result.because for result in self.given_back}

    async def suspend(self, seconds: float, *, key: str = limits_key(ACCOUNT)) -> None:
        """Suspend the scope of `key`, the account's by default. After 0 seconds it is probed."""
        now = int(time.time() * 1_000_000)
        times = {
            "suspended_since": now - 60_000_000,
            "suspended_until": now + int(seconds * 1_000_000),
        }
        await self.redis.hset(key, mapping={**times, "suspension": 1, "reason": "HTTP 503"})

    async def state(self) -> LimitState:
        """Report all results, then return the account's limits."""
        await self.limiter.flush(Scope(CAMPAIGN_ID))
        return await self.limiter.state()


async def settles(condition: Callable[[], Any], seconds: float = 2.0) -> None:
    """Poll until the condition is true, for events that cannot be awaited."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0.005)
