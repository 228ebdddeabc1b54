"""Builds one worker process's services in the test's process: fakeredis, a fake API, any broker."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from celery import Celery
from fakeredis import FakeAsyncRedis, FakeRedis, FakeServer

from broker.queues import CONSUMERS, DEAD_LETTER_QUEUE, LANE_QUEUES, RELEASE_QUEUE
from broker.wake_up import WakeUp
from config.accounts import Account
from config.endpoints import Servers
from config.settings import Settings
from issuance.chunk_message import ChunkMessage
from issuance.job import Lane
from ledger.store.database import Ledger
from limiter.sync_limiter import SyncLimiter
from operations.services import Services
from rewards_api.account import ApiAccount
from tests.unit.worker.build import FakeApi
from worker.accounts import AccountServices
from worker.chunk.carried import CarriedChunks
from worker.chunk.limits import Limits
from worker.chunk_messages import read_message
from worker.notices import Notices
from worker.orphans import Orphans
from worker.services import WorkerServices

API_URL = "https://rewards.test"
MEMORY_URL = "memory://"


class OneAccount(WorkerServices):
    """The services of a process with one account, which calls a fake API."""

    client: FakeApi

    def make_account(self, account: Account) -> AccountServices:
        """Make the account's services with the fake API."""
        return replace(super().make_account(account), client=self.client)

    @property
    def account(self) -> ApiAccount:
        """The account."""
        return self.base.api_account()

    @property
    def limits(self) -> Limits:
        """The account's limits."""
        return self.limits_of(self.base.accounts.get())

    @property
    def limiter(self) -> SyncLimiter:
        """The account's limits, for the test itself."""
        return self.sync_limiter(self.base.accounts.get())


_Kind = TypeVar("_Kind", bound=OneAccount)


def make_services(
    server: FakeServer,
    ledger: Ledger,
    *,
    broker_url: str,
    kind: type[_Kind] = OneAccount,
    **settings: Any,
) -> _Kind:
    """Create the services, with an unlimited rate."""
    servers = Servers(str(ledger.engine.url), broker_url, "", API_URL, 0)
    known = Settings(_env_file=None, api_url=API_URL, **settings)
    sync = FakeRedis(server=server, decode_responses=True)
    made = kind(Services(known, servers, connect_redis=lambda _: sync), worker="w-1")
    made.ledger = ledger
    made.client = FakeApi()
    made.redis = FakeAsyncRedis(server=server, decode_responses=True)
    made.orphans = Orphans(
        lambda: FakeRedis(server=server, decode_responses=True), known.lease_seconds
    )
    made.carried = CarriedChunks(
        lambda: FakeRedis(server=server, decode_responses=True), made.orphans, known.lease_seconds
    )
    made.limits_redis = sync
    made.wake_up = WakeUp(made.app, sync)
    if broker_url == MEMORY_URL:
        for queue in CONSUMERS.values():  # all apps of a process share the in-memory broker
            messages(made.app, queue)
    return made


def end_services(services: WorkerServices) -> None:
    """End the threads that were started, and close the connections."""
    if "recorder" in services.__dict__:
        let_go(services)
        services.recorder.await_all(5)
        services.recorder.end()
    if "loop" in services.__dict__:
        services.start(services.redis.aclose()).result(5)
        services.loop.call_soon_threadsafe(services.loop.stop)
        services.loop_thread.join(5)
        services.loop.close()
    if services.broker is not None:
        services.broker.close()
    services.app.close()


def let_go(services: WorkerServices) -> None:
    """Make the API answer its slow calls."""
    services.loop.call_soon_threadsafe(services.client.let_go.set)


def messages(app: Celery, queue: str) -> list[Any]:
    """Remove and return all messages of a queue."""
    with (
        app.connection_for_read() as connection,
        connection.SimpleQueue(app.amqp.queues[queue]) as pending,
    ):
        found = []
        while pending.qsize():
            found.append(pending.get(block=False))
            found[-1].ack()
        return found


def chunks(app: Celery, lane: Lane = Lane.BLAST) -> list[tuple[str, list[int]]]:
    """Remove and return a lane's published chunks: id and job numbers."""
    return [
        (message.headers["id"], message.payload[0][0])
        for message in messages(app, LANE_QUEUES[lane])
    ]


def chunk_messages(services: WorkerServices, lane: Lane = Lane.BLAST) -> list[ChunkMessage]:
    """Remove and return a lane's published chunks, as a worker reads them."""
    found = [
        read_message(services, message.headers["id"], message.payload[0])
        for message in messages(services.app, LANE_QUEUES[lane])
    ]
    assert None not in found
    return [message for message in found if message is not None]


def published_notices(app: Celery) -> list[Notices]:
    """Remove and return the notices of each message on the dead-letter queue."""
    return [Notices.read(message.payload[1]) for message in messages(app, DEAD_LETTER_QUEUE)]


def wake_ups(app: Celery) -> int:
    """Remove the requests for a release and return their number."""
    return len(messages(app, RELEASE_QUEUE))


def wait_for(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    """Poll until the condition is true, for work of another thread."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "the condition did not become true in time"
        time.sleep(0.005)
