"""The names of worker processes: each has its own, and a killed one is missed.

Celery identifies a process by its node name. Two workers of one name on a host would count as one.
"""

import re
import socket
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple
from uuid import uuid4

import structlog
from redis import Redis
from redis.exceptions import RedisError

log = structlog.get_logger("issuance.worker")

_KEY = "issuance:node:"
_REMEMBER_SECONDS = 3_600
"""How long a process that was not stopped is missed; a machine may be gone for good."""
_MOST = 1_000
_kept: list[socket.socket] = []
"""The names of this process; closing a socket would free its name."""


class Node(NamedTuple):
    """A node name's parts."""

    process: str
    """As in the Procfile."""
    host: str

    @classmethod
    def read(cls, name: str) -> "Node":
        """Split `worker@HOST` or `worker-2@HOST`."""
        process, _, host = name.partition("@")
        return cls(re.sub(r"-\d+$", "", process), host)


def claim_node_name(process: str, broker_url: str) -> str:
    """Return the first free name of `process@%h`, `process-2@%h` and so on.

    The name is this process's until it and its children have ended, however they end. The kernel
    keeps the names, for all users of this host and for containers in its network.
    """
    scope = sha256(broker_url.encode()).hexdigest()[:16]
    for number in range(1, _MOST):
        name = process if number == 1 else f"{process}-{number}"
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0issuance:{scope}:{name}")
        except OSError:
            claim.close()
            continue
        _kept.append(claim)
        return f"{name}@%h"
    return f"{process}-{uuid4().int % 10**9}@%h"


class Nodes:
    """The processes that run, in Redis: from their start until they are stopped.

    Args:
        connect: opens a connection to the Redis of the limits. It is closed at once, because a
            child may be forked at any time.
    """

    def __init__(self, connect: Callable[[], Redis]) -> None:
        self._connect = connect

    def note(self, node: str, report: str = "") -> None:
        """Record that a process runs, and what it reports; repeat this within the hour."""
        try:
            with self._connect() as redis:
                redis.set(f"{_KEY}{node}", report or "1", ex=_REMEMBER_SECONDS)
        except (RedisError, OSError) as error:
            log.debug("node_not_noted", node=node, error=str(error))

    def start(self, node: str, report: str = "") -> bool:
        """Record that a process starts; return whether one of its name was not stopped before."""
        try:
            with self._connect() as redis:
                pipeline = redis.pipeline()
                pipeline.exists(f"{_KEY}{node}")
                pipeline.set(f"{_KEY}{node}", report or "1", ex=_REMEMBER_SECONDS)
                return bool(pipeline.execute()[0])
        except (RedisError, OSError) as error:
            log.debug("node_not_noted", node=node, error=str(error))
            return False

    def forget(self, node: str) -> None:
        """Record that a process was stopped."""
        try:
            with self._connect() as redis:
                redis.delete(f"{_KEY}{node}")
        except (RedisError, OSError) as error:
            log.debug("node_not_forgotten", node=node, error=str(error))

    def known(self) -> frozenset[str]:
        """Return the processes that were not stopped; none while Redis is unavailable."""
        try:
            with self._connect() as redis:
                keys = redis.scan_iter(match=f"{_KEY}*", count=1_000)
                return frozenset(str(key).removeprefix(_KEY) for key in keys)
        except (RedisError, OSError):
            return frozenset()

    def reports(self) -> dict[str, str]:
        """Return what each process that was not stopped reports; none without Redis."""
        try:
            with self._connect() as redis:
                keys = [str(key) for key in redis.scan_iter(match=f"{_KEY}*", count=1_000)]
                found = redis.mget(keys) if keys else []
        except (RedisError, OSError):
            return {}
        return {
            key.removeprefix(_KEY): str(report)
            for key, report in zip(keys, found, strict=True)
            if report is not None
        }

    def silent_seconds(self) -> dict[str, float]:
        """Return how long ago each process that was not stopped was noted.

        Raises:
            RedisError: Redis is unavailable.
            OSError: the same.
        """
        with self._connect() as redis:
            keys = [str(key) for key in redis.scan_iter(match=f"{_KEY}*", count=1_000)]
            pipeline = redis.pipeline(transaction=False)
            for key in keys:
                pipeline.pttl(key)
            left = pipeline.execute()
        # One that has expired in between is not missed any more.
        return {
            key.removeprefix(_KEY): max(0.0, _REMEMBER_SECONDS - milliseconds / 1000)
            for key, milliseconds in zip(keys, left, strict=True)
            if milliseconds >= 0
        }
