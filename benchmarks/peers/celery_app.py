"""Stock Celery: one message per issuance, acks late, httpx."""

from celery import Celery

from benchmarks.load import Task, bodies
from benchmarks.peers.calls import post_with_httpx

task = Task.read()
app = Celery("bench", broker=task.broker_url)
app.conf.update(task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=1)


@app.task
def issue(body: str) -> None:
    """Issue one reward."""
    post_with_httpx(task, body)


def enqueue(count: int) -> None:
    """Enqueue this many messages."""
    with app.producer_pool.acquire(block=True) as producer:
        for one in bodies(task.variant, count):
            issue.apply_async((one,), producer=producer)
