"""The services of one worker process, created in that process after the fork."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping
from functools import cached_property, partial
from itertools import cycle
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from redis import Redis as SyncRedis

from broker.wake_up import WakeUp
from issuance.fair_queue import FairScheduler
from issuance.job import Lane
from ledger.results.recording import Result
from ledger.store.database import Ledger
from limiter.customer_locks import CustomerLocks
from limiter.paused_campaigns import PausedCampaigns
from limiter.rate_limiter import RateLimiter
from limiter.redis_connection import connect, connect_sync
from limiter.sync_limiter import SyncLimiter
from operations.services import Services
from rewards_api.account import ApiAccount
from rewards_api.client import RewardsClient
from rewards_api.token_store import RedisTokenStore
from worker.chunk.carried import CarriedChunks
from worker.chunk.group_record import GroupRecord
from worker.chunk.limits import Limits
from worker.chunk.places import Places
from worker.chunk.recorder import Recorder
from worker.loop_lag import LoopLag
from worker.orphans import Orphans
from worker.unknown_codes import Undocumented

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")

log = structlog.get_logger("issuance.worker")

_FINISH_MARGIN_SECONDS = 5.0
"""Time to record the last outcomes. Calls end within the API's timeout; supervisors add 10 s."""

_FIRST_CALLS = 10
"""The most calls a second of all workers until the account answers."""


class WorkerServices:
    """The services of one process, each created on first use in the process that uses it."""

    def __init__(self, base: Services, *, worker: str) -> None:
        self.base = base
        self.app = base.celery
        self.settings = base.settings
        self.worker = worker
        self.ledger_turn = threading.Lock()
        """Held for each claim and each record, so that the two threads share one connection and
        neither polls SQLite's lock because of the other."""

    def prepare(self) -> None:
        """Create what a chunk needs.

        Raises:
            ValueError: the API's account cannot be used; the message names the setting.
        """
        _ = self.ledger, self.client, self.loop

    @cached_property
    def rng(self) -> Random:
        """The source of jitter. Created after the fork, so that children draw different numbers."""
        return Random()

    @cached_property
    def schedulers(self) -> Mapping[Lane, FairScheduler]:
        """Divide each lane among the campaigns, across the releases of this process."""
        return {lane: FairScheduler() for lane in Lane}

    @cached_property
    def probe_turns(self) -> Iterator[bool]:
        """Whether the next release probes with newly due jobs; releases alternate."""
        return cycle((False, True))

    @property
    def account(self) -> ApiAccount:
        """The API account."""
        return self.base.api_account()

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger. A power cut may lose its last commits; those calls are then repeated."""
        return Ledger(self.base.servers.ledger_url, durable=False)

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """This process's event loop, in its own thread, so that connections outlive a chunk."""
        loop = asyncio.new_event_loop()
        self.loop_thread = threading.Thread(
            target=loop.run_forever, name="issuance-loop", daemon=True
        )
        self.loop_thread.start()
        return loop

    def start(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Start work on the event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    @cached_property
    def places(self) -> Places:
        """How many calls this process may have open."""
        return Places(self.settings.api_max_concurrent)

    @cached_property
    def recorder(self) -> Recorder:
        """Records results during the life of the process."""
        record = GroupRecord(
            self.app,
            self.ledger,
            self.ledger_turn,
            self._report_undocumented,
            self.worker,
            self.settings.lease_seconds,
        )
        return Recorder(record)

    def _report_undocumented(self, results: list[Result]) -> None:
        self.undocumented.report(results)  # created with the first one

    @cached_property
    def carried(self) -> CarriedChunks:
        """The chunks that have open calls, in case their child dies."""
        connection = partial(connect_sync, self.base.servers.redis_url)
        return CarriedChunks(connection, self.orphans, self.settings.lease_seconds)

    async def carry(self) -> None:
        """Save which chunks have open calls, before this process takes its next chunk."""
        await self.carried.note(self.limits.redis, self.recorder.open_chunks)

    def finish(self) -> None:
        """Wait for the open calls and record their outcomes, before the process ends."""
        within_seconds = self.settings.api_timeout_seconds + _FINISH_MARGIN_SECONDS
        if "recorder" in self.__dict__ and not self.recorder.await_all(within_seconds):
            log.warning("open_calls_abandoned", seconds=within_seconds)  # their leases lapse

    @cached_property
    def limits(self) -> Limits:
        """Limits, locks and paused campaigns."""
        servers = self.base.servers
        redis = connect(servers.redis_url)
        name = self.account.name
        loop_lag = LoopLag()
        self.loop.call_soon_threadsafe(loop_lag.start, self.loop)
        return Limits(
            redis=redis,
            limiter=RateLimiter(
                redis,
                name,
                rate_per_minute=servers.rate_per_minute,
                adapts=self.settings.api_rate_adapts,
                first_calls=_FIRST_CALLS,
                rng=self.rng,
            ),
            locks=CustomerLocks(redis, name),
            paused_campaigns=PausedCampaigns(redis, name),
            loop_lag=loop_lag,
        )

    @cached_property
    def sync_limiter(self) -> SyncLimiter:
        """The account's limits for code outside the event loop."""
        return self.base.make_limits()

    @cached_property
    def limits_redis(self) -> SyncRedis:
        """The server of the limits, for code outside the event loop."""
        return self.base.redis

    @cached_property
    def undocumented(self) -> Undocumented:
        """Reports codes that no document knows."""
        return Undocumented(self.base.redis)

    @cached_property
    def wake_up(self) -> WakeUp:
        """Requests a release at once."""
        return self.base.make_wake_up()

    @cached_property
    def orphans(self) -> Orphans:
        """The chunks whose child has died."""
        return Orphans(
            partial(connect_sync, self.base.servers.redis_url), self.settings.lease_seconds
        )

    @cached_property
    def broker(self) -> SyncRedis | None:
        """The broker's own server, where that is Redis."""
        url = self.base.servers.broker_url
        return connect_sync(url) if url.startswith("redis") else None

    @cached_property
    def client(self) -> RewardsClient:
        """The rewards API's client; with OAuth it shares its token with all workers."""
        prefix = f"issuance:{self.account.name}:"
        store = RedisTokenStore(
            self.limits.redis, prefix, lock_seconds=self.account.timeout_seconds + 5
        )
        return RewardsClient(self.account, token_store=store)
