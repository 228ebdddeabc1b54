"""Builds one worker process's parts for tests, without a process: fakeredis, a fake API, any broker."""

import time
from collections.abc import Callable
from typing import Any

from celery import Celery
from fakeredis import FakeAsyncRedis, FakeRedis, FakeServer

from broker.queues import CONSUMERS, DEAD_LETTER_QUEUE, LANE_QUEUES, RELEASE_QUEUE
from broker.wakeup import Nudge
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
from worker.chunk.shared import Shared
from worker.orphans import Orphans
from worker.services import Parts

API_URL = "http://rewards.test"
MEMORY_URL = "memory://"


def make_parts(server: FakeServer, ledger: Ledger, *, broker_url: str, **settings: Any) -> Parts:
    """Make the parts; the rate is unlimited."""
    site = Site(str(ledger.engine.url), broker_url, "", API_URL, 0)
    known = Settings(_env_file=None, api_url=API_URL, **settings)
    made = Parts(Services(known, site), worker="w-1")
    name = made.account.name
    redis, sync = (
        FakeAsyncRedis(server=server, decode_responses=True),
        FakeRedis(server=server, decode_responses=True),
    )
    made.ledger = ledger
    made.client = FakeApi()
    made.shared = Shared(
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
    made.nudge = Nudge(made.app, sync)
    if broker_url == MEMORY_URL:
        for queue in CONSUMERS.values():  # all apps of a process share it
            messages(made.app, queue)
    return made


def end_parts(parts: Parts) -> None:
    """End the process's threads, where they were needed, and close connections."""
    if "recorder" in parts.__dict__:
        let_go(parts)
        parts.recorder.await_all(5)
        parts.recorder.end()
    if "loop" in parts.__dict__:
        parts.start(parts.shared.redis.aclose()).result(5)
        parts.loop.call_soon_threadsafe(parts.loop.stop)
        parts.loop_thread.join(5)
        parts.loop.close()
    if parts.broker is not None:
        parts.broker.close()
    parts.app.close()


def let_go(parts: Parts) -> None:
    """Have the API answer its slow calls."""
    parts.loop.call_soon_threadsafe(parts.client.let_go.set)


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


def nudges(app: Celery) -> int:
    """Take the asked-for releases and count them."""
    return len(messages(app, RELEASE_QUEUE))


def wait_for(happened: Callable[[], Any], seconds: float = 5.0) -> None:
    """Wait until something is the case that another thread does."""
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.005)
