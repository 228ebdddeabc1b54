"""dramatiq on gevent with urllib3: the fastest dramatiq setup we found."""

import json

import dramatiq
import urllib3
from dramatiq.brokers.redis import RedisBroker

from benchmarks.load import AUTH, HEADERS, Task, bodies

task = Task.read()
dramatiq.set_broker(RedisBroker(url=task.broker_url))
_headers = HEADERS | urllib3.make_headers(basic_auth=":".join(AUTH))
_pool = urllib3.PoolManager(maxsize=task.in_flight, headers=_headers, timeout=30.0, retries=False)


@dramatiq.actor
def issue(body: str) -> None:
    """Issue one reward."""
    response = _pool.request("POST", task.api_url + task.path, body=body.encode())
    if response.status != 200:  # noqa: PLR2004  # OK
        raise RuntimeError(response.status)
    json.loads(response.data)


def enqueue(count: int) -> None:
    """Enqueue this many messages."""
    for one in bodies(task.variant, count):
        issue.send(one)
