"""The memory of a Redis broker: one that was emptied shows by a mark that is missing."""

import structlog
from redis import Redis
from redis.exceptions import RedisError

from ledger.dispatch.release import unqueue_all
from ledger.store.database import Ledger

log = structlog.get_logger("issuance.release")

_MARK = "issuance:broker-mark"


def release_lost_messages(ledger: Ledger, broker: Redis | None) -> None:
    """Take all jobs back from a broker that was emptied (FLUSHALL, a restart without its data), to release them anew.

    They would come back by themselves, but only when their lease has lapsed. Where a message is
    still in a worker's hands after all, its doubled one finds nothing to claim.

    Args:
        ledger: the record.
        broker: None for one without marks: RabbitMQ keeps its messages on its disks.
    """
    try:
        if broker is None or broker.exists(_MARK):
            return
        jobs = unqueue_all(ledger)
        broker.set(_MARK, "1")
    except RedisError:
        return  # whoever publishes says that the broker is away
    if jobs:
        log.warning("broker_emptied", jobs=jobs)
