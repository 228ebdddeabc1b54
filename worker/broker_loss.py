"""Detects that a Redis broker was emptied, by a marker key that is missing."""

import structlog
from redis import Redis
from redis.exceptions import RedisError

from ledger.dispatch.release import unqueue_all
from ledger.store.database import Ledger

log = structlog.get_logger("issuance.release")

_MARK = "issuance:broker-mark"


def release_lost_messages(ledger: Ledger, broker: Redis | None) -> None:
    """Unqueue all jobs of a broker that was emptied, so that they are released again.

    FLUSHALL and a restart without data empty it. Without this the jobs would wait for their lease
    to lapse. If a worker still has one of the messages, the second message finds nothing to claim.

    Args:
        ledger: the record.
        broker: None for RabbitMQ, which keeps its messages on disk.
    """
    try:
        if broker is None or broker.exists(_MARK):
            return
        jobs = unqueue_all(ledger)
        broker.set(_MARK, "1")
    except RedisError:
        return  # publishing reports that the broker is unavailable
    if jobs:
        log.warning("broker_emptied", jobs=jobs)
