"""The services of one worker process, created in that process after the fork."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Coroutine, Iterator
from functools import cached_property, partial
from itertools import cycle
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from redis import Redis as SyncRedis
from redis.asyncio import Redis

from broker.wake_up import WakeUp
from config.accounts import Account
from issuance.derived_keys import Purpose
from issuance.fair_queue import FairScheduler
from issuance.fingerprints import Fingerprints
from issuance.job import Lane
from ledger.results.attempts import Result
from ledger.stop_loss.stopping import Stop
from ledger.store.database import Ledger
from limiter.customer_locks import CustomerLocks
from limiter.notice_allowance import NoticeAllowance
from limiter.paused_campaigns import PausedCampaigns
from limiter.rate_limiter import RateLimiter
from limiter.redis_connection import connect, connect_sync
from limiter.sync_limiter import SyncLimiter
from limiter.webhook_breaker import WebhookBreaker
from operations.services import Services
from rewards_api.account import ApiAccount
from rewards_api.client import RewardsClient
from rewards_api.token_store import RedisTokenStore
from worker.accounts import AccountServices, WorkerAccounts
from worker.alerting import Alerting, WebhookCalls
from worker.chunk.carried import CarriedChunks
from worker.chunk.fault_watch import FaultWatch
from worker.chunk.group_record import GroupRecord
from worker.chunk.halting import halt
from worker.chunk.limits import Limits
from worker.chunk.places import Gauge, Places
from worker.chunk.recorder import Recorder
from worker.late_results import LateResults
from worker.limit_samples import LimitSamples
from worker.loop_lag import LoopLag, make_loop
from worker.orphans import Orphans
from worker.outbox import Outbox
from worker.retention import Retention
from worker.unknown_codes import Undocumented
from worker.webhook import Webhook

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")

log = structlog.get_logger("issuance.worker")

_FINISH_MARGIN_SECONDS = 5.0
"""Time to record the last outcomes. Calls end within the API's timeout; supervisors add 10 s, of
which the export of the spans takes 3 at most."""

_FIRST_CALLS = 10
"""The most calls a second of all workers until the account answers."""


class WorkerServices:
    """The services of one process, each created on first use in the process that uses it."""

    def __init__(self, base: Services, *, worker: str) -> None:
        self.base = base
        self.app = base.celery
        self.settings = base.settings
        self.worker = worker
        self._places_of: dict[str, Places] = {}
        self._limits_of: dict[tuple[str, int], Limits] = {}
        self.unknown_accounts: frozenset[str] = frozenset()
        """Accounts of running campaigns that this installation does not have, at the last round."""
        self.ledger_turn = threading.Lock()
        """Held for each claim and each record, so that the two threads share one connection and
        neither polls SQLite's lock because of the other."""

    def prepare(self) -> None:
        """Create what a chunk needs.

        Raises:
            ValueError: the API's account cannot be used; the message names the setting.
        """
        _ = self.ledger, self.loop
        for account in self.accounts.known().values():
            self.accounts.of(account)

    @cached_property
    def rng(self) -> Random:
        """The source of jitter. Created after the fork, so that children draw different numbers."""
        return Random()

    @cached_property
    def schedulers(self) -> defaultdict[tuple[Lane, str], FairScheduler]:
        """Divide each lane of an API account among campaigns, across this process's releases."""
        return defaultdict(FairScheduler)

    @cached_property
    def probe_turns(self) -> Iterator[bool]:
        """Whether the next release probes with newly due jobs; releases alternate."""
        return cycle((False, True))

    @cached_property
    def limit_samples(self) -> LimitSamples:
        """Samples the accounts' limits, for charts and reports."""
        return LimitSamples(self.ledger)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger. A power cut may lose its last commits; those calls are then repeated."""
        return self.base.connect_ledger(durable=False)

    @cached_property
    def fingerprints(self) -> Fingerprints:
        """Makes the customers' fingerprints, the same in all processes.

        Raises:
            SecretError: the ledger has another secret than this process.
        """
        return Fingerprints(self.ledger.key(Purpose.CUSTOMERS))

    @cached_property
    def retention(self) -> Retention:
        """Prunes old jobs, if a setting says so."""
        return Retention(self.ledger, self.settings.retention_days)

    @cached_property
    def loop(self) -> asyncio.AbstractEventLoop:
        """This process's event loop, in its own thread, so that connections outlive a chunk."""
        loop, self._loop_selector = make_loop()
        self.loop_thread = threading.Thread(
            target=loop.run_forever, name="issuance-loop", daemon=True
        )
        self.loop_thread.start()
        return loop

    def start(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        """Start work on the event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    @cached_property
    def late_results(self) -> LateResults:
        """Shows the results of chunks that end after their task."""
        return LateResults(self.app, self.loop)

    @cached_property
    def unfinished(self) -> Gauge:
        """Claimed jobs of all accounts without a result."""
        return Gauge()

    @cached_property
    def recorder(self) -> Recorder:
        """Records results during the life of the process."""
        record = GroupRecord(
            self.outbox.publish_own,
            self.ledger,
            self.ledger_turn,
            self._report_undocumented,
            self.worker,
            self.settings.lease_seconds,
            self._halt,
            self.base.tracing,
        )
        return Recorder(record)

    @cached_property
    def fault_watch(self) -> FaultWatch:
        """Finds results that must be recorded at once."""
        return FaultWatch()

    def _halt(self, account: str, stop: Stop) -> None:
        """Stop the calls of a stopped campaign or reward: here at once, then in other processes."""
        found = self.accounts.known().get(account)
        if found is not None:
            self.start(halt(self.limits_of(found).paused_campaigns, stop))

    @cached_property
    def outbox(self) -> Outbox:
        """Publishes notices of dead letters."""
        allowance = NoticeAllowance(self.limits_redis, self.settings.dead_letter_notices_per_minute)
        return Outbox(self.app, self.ledger, allowance, self._webhook_breaker)

    @cached_property
    def _webhook_breaker(self) -> WebhookBreaker | None:
        url = self.settings.dead_letter_webhook_url
        return WebhookBreaker(self.limits_redis, url) if url else None

    @cached_property
    def alerting(self) -> Alerting:
        """Handles the notices of dead letters."""
        calls, breaker = None, self._webhook_breaker
        if breaker is not None:
            webhook = Webhook.of(self.settings)
            calls = WebhookCalls(webhook, breaker, lambda call: self.start(call).result())
        return Alerting(self.ledger, calls, self.settings.lease_seconds)

    def _report_undocumented(self, results: list[Result]) -> None:
        self.undocumented.report(results)  # created with the first one

    @cached_property
    def carried(self) -> CarriedChunks:
        """The chunks that have open calls, in case their child dies."""
        connection = partial(connect_sync, self.base.servers.redis_url)
        return CarriedChunks(connection, self.orphans, self.settings.lease_seconds)

    async def carry(self) -> None:
        """Save which chunks have open calls, before this process takes its next chunk."""
        await self.carried.note(self.redis, self.recorder.open_chunks)

    def finish(self) -> None:
        """Wait for the open calls, record their outcomes and export the spans: the process ends."""
        within_seconds = self.settings.api_timeout_seconds + _FINISH_MARGIN_SECONDS
        if "recorder" in self.__dict__ and not self.recorder.await_all(within_seconds):
            log.warning("open_calls_abandoned", seconds=within_seconds)  # their leases lapse
        self.base.close_tracing()

    @cached_property
    def redis(self) -> Redis:
        """The Redis of limits and locks, for the event loop; all accounts share the connections."""
        return connect(self.base.servers.redis_url)

    @cached_property
    def loop_lag(self) -> LoopLag:
        """How late and how busy this process's event loop is."""
        loop = self.loop  # sets the selector
        loop_lag = LoopLag(self._loop_selector)
        loop.call_soon_threadsafe(loop_lag.start, loop)
        return loop_lag

    @cached_property
    def accounts(self) -> WorkerAccounts:
        """What the calls of each account need."""
        return WorkerAccounts(self.base.accounts, self.make_account, self._close)

    def make_account(self, account: Account) -> AccountServices:
        """Make what the calls of an account need.

        Entries that name the same API account have clients of their own, but share its limits and
        its call places.

        Raises:
            ValueError: the account cannot be used; the message names the setting.
        """
        api_account = ApiAccount.of(account, self.settings)
        name = api_account.name
        client = RewardsClient(
            api_account,
            token_store=RedisTokenStore(
                self.redis, f"issuance:{name}:", lock_seconds=api_account.timeout_seconds + 5
            ),
        )
        return AccountServices(account, client, self.limits_of(account), self._places(name))

    def _places(self, name: str) -> Places:
        if name not in self._places_of:
            self._places_of[name] = Places(self.settings.api_max_concurrent, self.unfinished)
        return self._places_of[name]

    def limits_of(self, account: Account) -> Limits:
        """Return an account's limits, for the event loop.

        Raises:
            ValueError: the account cannot be used; the message names the setting.
        """
        name = ApiAccount.of(account, self.settings).name
        key = (name, account.rate_per_minute)
        if key not in self._limits_of:
            self._limits_of[key] = self._make_limits(name, account)
        return self._limits_of[key]

    def _make_limits(self, name: str, account: Account) -> Limits:
        return Limits(
            redis=self.redis,
            limiter=RateLimiter(
                self.redis,
                name,
                known_as=account.name,
                rate_per_minute=account.rate_per_minute,
                adapts=self.settings.api_rate_adapts,
                first_calls=_FIRST_CALLS,
                rng=self.rng,
            ),
            locks=CustomerLocks(self.redis, name),
            paused_campaigns=PausedCampaigns(self.redis, name),
            loop_lag=self.loop_lag,
            fault_watch=self.fault_watch,
        )

    def sync_limiter(self, account: Account) -> SyncLimiter:
        """Return an account's limits, for code outside the event loop.

        Raises:
            ValueError: the account cannot be used; the message names the setting.
        """
        return self.base.limiter_of(account)

    def _close(self, client: RewardsClient) -> None:
        self.start(client.aclose())

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
