"""Orphans: chunks whose child died while its worker lives.

A redelivered message does not mean that its worker is gone: a broker also redelivers the messages
of a lost connection while the calls at its other end continue. Only the process that saw the child
die knows, so it records the death in Redis.
"""

from collections.abc import Callable
from typing import Any

import structlog
from billiard.einfo import ExceptionInfo, ExceptionWithTraceback
from billiard.exceptions import WorkerLostError
from celery.worker.request import Request
from redis import Redis
from redis.exceptions import RedisError

log = structlog.get_logger("issuance.worker")

_DEAD, _TAKEN = "1", "0"


class Orphans:
    """The deaths of children, in Redis. Without Redis an orphan waits for its lease to lapse.

    Args:
        connect: opens a connection to the Redis that all workers share. It is closed at once: a
            child may be forked from this process at any time.
        remember_seconds: the lease; after it the jobs are free anyway.
    """

    def __init__(self, connect: Callable[[], Redis], remember_seconds: float) -> None:
        self._connect = connect
        self._remember_milliseconds = max(1, int(remember_seconds * 1000))

    def report(self, chunk_id: str) -> None:
        """Record that the child which had this chunk is dead."""
        try:
            with self._connect() as redis:
                redis.set(_key(chunk_id), _DEAD, px=self._remember_milliseconds)
        except RedisError as error:
            log.warning("orphan_report_failed", chunk_id=chunk_id, error=str(error))

    def take(self, chunk_id: str) -> bool:
        """Return whether the child which had this chunk is dead; True once for each death."""
        try:
            with self._connect() as redis:
                return bool(
                    redis.set(_key(chunk_id), _TAKEN, xx=True, get=True, keepttl=True) == _DEAD
                )
        except RedisError:
            return False

    def is_known(self, chunk_id: str) -> bool:
        """Return whether a death was recorded, so that the broker delivers the message again."""
        with self._connect() as redis:
            return bool(redis.exists(_key(chunk_id)))


def reporting_request(report: Callable[[str], None]) -> type[Request]:
    """Make a Celery request class that reports a child's death before requeuing the message."""

    class ReportingRequest(Request):  # type: ignore[misc]  # Celery is untyped
        """A chunk's message in the process that received it."""

        @property
        def time_limits(self) -> tuple[None, None]:
            """None of its own: a message could have its child killed in the middle of its calls."""
            return None, None

        @time_limits.setter
        def time_limits(self, _: object) -> None:
            """Ignore the limits that a message names."""

        def on_failure(self, exc_info: ExceptionInfo, *args: Any, **options: Any) -> Any:
            """Handle the end of the child, or an exception that the task raised."""
            error = exc_info.exception
            if isinstance(
                error.exc if isinstance(error, ExceptionWithTraceback) else error, WorkerLostError
            ):
                report(self.id)
            return super().on_failure(exc_info, *args, **options)

    return ReportingRequest


def _key(chunk_id: str) -> str:
    return f"issuance:orphan:{chunk_id}"
