"""Builds one worker process's services for tests, without a process: fakeredis, a fake API, any broker."""

import time
from collections.abc import Callable
from typing import Any

from celery import Celery
from fakeredis import FakeAsyncRedis, FakeRedis, FakeServer

from broker.queues import CONSUMERS, DEAD_LETTER_QUEUE, LANE_QUEUES, RELEASE_QUEUE
from broker.wake_up import WakeUp
from config.endpoints import Site
from config.settings import Settings
from issuance.job import Lane
from ledger.store.database import Ledger
from limiter.customer_locks import CustomerLocks
from limiter.paused_campaigns import PausedCampaigns
from limiter.rate_limiter import RateLimiter
from limiter.sync_limiter import SyncLimiter
from operations.services import Services
from tests.unit.worker.build import FakeApi
from worker.chunk.carried import CarriedChunks
from worker.chunk.limits import Limits
from worker.orphans import Orphans
from worker.services import WorkerServices

API_URL = "http://rewards.test"
MEMORY_URL = "memory://"


def make_parts(
    server: FakeServer, ledger: Ledger, *, broker_url: str, **settings: Any
) -> WorkerServices:
    """Make the services; the rate is unlimited."""
    site = Site(str(ledger.engine.url), broker_url, "", API_URL, 0)
    known = Settings(_env_file=None, api_url=API_URL, **settings)
    made = WorkerServices(Services(known, site), worker="w-1")
    name = made.account.name
    redis, sync = (
        FakeAsyncRedis(server=server, decode_responses=True),
        FakeRedis(server=server, decode_responses=True),
    )
    made.ledger = ledger
    made.client = FakeApi()
    made.limits = Limits(
        redis,
        RateLimiter(redis, name, rate_per_minute=0),
        CustomerLocks(redis, name),
        PausedCampaigns(redis, name),
    )
    made.sync_limiter = SyncLimiter(sync, name, rate_per_minute=0)
    made.orphans = Orphans(
        lambda: FakeRedis(server=server, decode_responses=True), known.lease_seconds
    )
    made.carried = CarriedChunks(
        lambda: FakeRedis(server=server, decode_responses=True), made.orphans, known.lease_seconds
    )
    made.wake_up = WakeUp(made.app, sync)
    if broker_url == MEMORY_URL:
        for queue in CONSUMERS.values():  # all apps of a process share it
            messages(made.app, queue)
    return made


def end_parts(services: WorkerServices) -> None:
    """End the process's threads, where they were needed, and close connections."""
    if "recorder" in services.__dict__:
        let_go(services)
        services.recorder.await_all(5)
        services.recorder.end()
    if "loop" in services.__dict__:
        services.start(services.limits.redis.aclose()).result(5)
        services.loop.call_soon_threadsafe(services.loop.stop)
        services.loop_thread.join(5)
        services.loop.close()
    if services.broker is not None:
        services.broker.close()
    services.app.close()


def let_go(services: WorkerServices) -> None:
    """Have the API answer its slow calls."""
    services.loop.call_soon_threadsafe(services.client.let_go.set)


def messages(app: Celery, queue: str) -> list[Any]:
    """Take every message from a queue."""
    with (
        app.connection_for_read() as connection,
        connection.SimpleQueue(app.amqp.queues[queue]) as waiting,
    ):
        found = []
        while waiting.qsize():
            found.append(waiting.get(block=False))
            found[-1].ack()
        return found


def chunks(app: Celery, lane: Lane = Lane.BLAST) -> list[tuple[str, list[int]]]:
    """Take the chunks on the way: id and job numbers."""
    return [
        (message.headers["id"], message.payload[0][0])
        for message in messages(app, LANE_QUEUES[lane])
    ]


def notices(app: Celery) -> list[dict[str, Any]]:
    """Take the dead letters' notices on the way."""
    return [message.payload[1] for message in messages(app, DEAD_LETTER_QUEUE)]


def wake_ups(app: Celery) -> int:
    """Take the asked-for releases and count them."""
    return len(messages(app, RELEASE_QUEUE))


def wait_for(happened: Callable[[], Any], seconds: float = 5.0) -> None:
    """Wait until something is the case that another thread does."""
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.005)
