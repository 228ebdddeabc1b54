"""saq: one message per issuance, httpx on aiohttp's connections."""

import asyncio
from typing import Any

from redis.asyncio import Redis
from saq.queue.redis import RedisQueue

from benchmarks.load import Task, bodies
from benchmarks.peers.calls import open_async, post

task = Task.read()
# One connection per concurrent task: redis-py 8 allows 100 and aborts an idle read after 5 s.
_redis = Redis.from_url(
    task.broker_url, max_connections=2 * task.in_flight + 50, socket_timeout=None
)
queue = RedisQueue(_redis)


async def open_client(context: dict[str, Any]) -> None:
    """Create the worker's client."""
    context["http"] = open_async(task)


async def issue(context: dict[str, Any], *, body: str) -> None:
    """Issue one reward."""
    await post(context["http"], task, body)


settings = {
    "queue": queue,
    "functions": [issue],
    "concurrency": task.in_flight,
    "startup": open_client,
}


async def _enqueue(count: int) -> None:
    for one in bodies(task.variant, count):
        await queue.enqueue("issue", body=one)
    await queue.disconnect()


def enqueue(count: int) -> None:
    """Enqueue this many messages."""
    asyncio.run(_enqueue(count))
