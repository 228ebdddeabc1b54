"""Background requests: started at once during a blast, and recorded at once in an idle system."""

import time
from functools import partial
from random import Random

from sqlalchemy import ColumnElement, select

from benchmarks.load import mobile
from benchmarks.promises.sizes import Length
from benchmarks.promises.system import Samples, System, await_arrivals, wait_until
from ledger.store.database import Ledger
from ledger.store.schema import jobs, lines

LATENCY_MS = 50
"""Of the stub while single requests are timed."""
_REWARD = 2001
_FIRST_CUSTOMER = 900_000_000
"""Not in any blast."""
_APART_SECONDS = 0.15
_MS = 1_000


def measure_behind_a_blast(system: System, length: Length, *, name: str) -> Samples:
    """Milliseconds from each request's acceptance to its call, during a blast."""
    await_arrivals(system, 100)
    rng = Random(1)
    accepted: dict[str, float] = {}
    with system.producer() as producer:
        producer.enqueue(mobile=mobile(_FIRST_CUSTOMER), reward_id=_REWARD)  # opens connections
        for number in range(1, length.requests + 1):
            time.sleep(rng.uniform(0.5, 1.5) * _APART_SECONDS)
            request = producer.enqueue(mobile=mobile(_FIRST_CUSTOMER + number), reward_id=_REWARD)
            accepted[request.request_id] = _accepted_at(producer.ledger, request.request_id)
    time.sleep(2.0)
    found = system.stub.arrivals()
    arrived = dict(zip(found.request_ids, found.at, strict=True))
    # A call that never arrived counts as two seconds late.
    late = [arrived.get(key, at + 2.0) - at for key, at in accepted.items()]
    return {f"background/{name}": [seconds * _MS for seconds in late]}


def measure_idle(system: System, length: Length, *, name: str) -> Samples:
    """Milliseconds from acceptance to record without the API's time, one request at a time.

    Both times come from the ledger, read within the transactions.
    """
    took = []
    with system.producer() as producer:
        for number in range(length.requests + 3):
            key = producer.enqueue(
                mobile=mobile(_FIRST_CUSTOMER + number), reward_id=_REWARD
            ).request_id
            wait_until(partial(_is_settled, producer.ledger, key), seconds=20, what="a request")
            took.append((_settled(producer.ledger, key) or 0) - LATENCY_MS)
    return {f"idle/{name}": took[3:]}  # the first ones open connections


def _is_settled(ledger: Ledger, job_id: str) -> bool:
    return _settled(ledger, job_id) is not None


def _settled(ledger: Ledger, job_id: str) -> int | None:
    """Milliseconds from a job's acceptance to its record; None until then."""
    with ledger.read() as connection:
        found: int | None = connection.scalar(
            select(jobs.c.settled_at - jobs.c.accepted_at).where(_is_job(job_id))
        )
        return found


def _accepted_at(ledger: Ledger, job_id: str) -> float:
    """A job's acceptance by the ledger's clock, converted to seconds of the monotonic clock."""
    with ledger.read() as connection:
        accepted_ms = connection.scalar(select(jobs.c.accepted_at).where(_is_job(job_id))) or 0
    return time.monotonic() - (time.time() - accepted_ms / _MS)


def _is_job(job_id: str) -> ColumnElement[bool]:
    return (
        jobs.c.number
        == select(lines.c.job_number).where(lines.c.request_id == job_id).scalar_subquery()
    )
