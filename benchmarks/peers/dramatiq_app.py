"""dramatiq: one message per issuance, httpx, in threads or (`dramatiq-gevent`) greenlets."""

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.load import Task, bodies
from benchmarks.peers.calls import post_with_httpx

task = Task.read()
dramatiq.set_broker(RedisBroker(url=task.broker_url))


@dramatiq.actor
def issue(body: str) -> None:
    """Issue one reward."""
    post_with_httpx(task, body)


def enqueue(count: int) -> None:
    """Enqueue this many messages."""
    for one in bodies(task.variant, count):
        issue.send(one)
