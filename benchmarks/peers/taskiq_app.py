"""taskiq: one message per issuance, httpx on aiohttp's connections."""

import asyncio

import httpx
from taskiq import TaskiqEvents, TaskiqState
from taskiq_redis import ListQueueBroker

from benchmarks.load import Task, bodies
from benchmarks.peers.calls import open_async, post

task = Task.read()
# redis-py 8 aborts an idle read after 5 s.
broker = ListQueueBroker(task.broker_url, socket_timeout=None)
_clients: list[httpx.AsyncClient] = []


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def open_client(_state: TaskiqState) -> None:
    """Create the worker's client."""
    _clients.append(open_async(task))


@broker.task
async def issue(body: str) -> None:
    """Issue one reward."""
    await post(_clients[0], task, body)


async def _enqueue(count: int) -> None:
    await broker.startup()
    for one in bodies(task.variant, count):
        await issue.kiq(one)
    await broker.shutdown()


def enqueue(count: int) -> None:
    """Enqueue this many messages."""
    asyncio.run(_enqueue(count))
