"""Restarts of processes and their causes, in a bounded stream of Redis, for operators."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis

_KEY = "issuance:restarts"
_MOST = 200
_DAY_SECONDS = 86_400
NOT_STOPPED = "the one before it ended without being stopped"
"""The cause as the new process knows it; a supervisor knows more."""
CHILD_ENDED = "one of its child processes ended, and a new one took its place"


@dataclass(frozen=True, slots=True)
class Restart:
    """A process that took the place of one that had ended by itself."""

    process: str
    """As in the Procfile, or `broker` or `simulator`."""
    host: str
    at: float
    """When the new one started, in seconds since 1970."""
    cause: str
    ended_at: float | None = None
    """When the old one was found to have ended; None: unknown."""


class Restarts:
    """Keeps and reads restarts.

    Every method raises `RedisError` or `OSError` when Redis cannot be reached.

    Args:
        connect: opens a connection to the Redis of the limits. It is closed at once.
    """

    def __init__(self, connect: Callable[[], Redis]) -> None:
        self._connect = connect

    def keep(self, restart: Restart) -> None:
        """Keep a restart; about the newest two hundred stay."""
        fields: dict[Any, Any] = {
            "process": restart.process,
            "host": restart.host,
            "at": f"{restart.at:.3f}",
            "cause": restart.cause,
            "ended_at": "" if restart.ended_at is None else f"{restart.ended_at:.3f}",
        }
        with self._connect() as redis:
            redis.xadd(_KEY, fields, maxlen=_MOST)

    def of_last_day(self) -> list[Restart]:
        """Return the restarts of the last day, the newest first."""
        with self._connect() as redis:
            # The client decodes replies; its types allow for others.
            found: Any = redis.xrevrange(_KEY, count=_MOST)
        restarts = (_read(fields) for _, fields in found)
        since = time.time() - _DAY_SECONDS
        return [each for each in restarts if each.at >= since]


def _read(fields: Mapping[str, str]) -> Restart:
    return Restart(
        fields.get("process", ""),
        fields.get("host", ""),
        _number(fields.get("at", "")) or 0.0,
        fields.get("cause", ""),
        _number(fields.get("ended_at", "")),
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
