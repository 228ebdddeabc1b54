"""Orphans: chunks whose child died while its worker lives on; the worker tells whoever gets their message next.

That a message was delivered before does not say that its worker is gone: a broker delivers again
whatever was on a connection that it lost, and the calls under way on the other end go on. Only who
saw a child die knows.
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

_TOLD, _TAKEN = "1", "0"


class Orphans:
    """What is known of dead children, in Redis. Without Redis a dead child's chunk waits for its lease to lapse.

    Args:
        connect: opens a connection to the Redis that all workers share. It is closed at once: a
            child may be forked from this process at any time.
        remember_seconds: the lease; past it the jobs are free for everybody.
    """

    def __init__(self, connect: Callable[[], Redis], remember_seconds: float) -> None:
        self._connect = connect
        self._remember_milliseconds = max(1, int(remember_seconds * 1000))

    def tell(self, chunk_id: str) -> None:
        """Say that the child which had this chunk is dead."""
        try:
            with self._connect() as redis:
                redis.set(_key(chunk_id), _TOLD, px=self._remember_milliseconds)
        except RedisError as error:
            log.warning("orphan_report_failed", chunk_id=chunk_id, error=str(error))

    def take(self, chunk_id: str) -> bool:
        """Say whether the child which had this chunk is dead; one death is told to one who asks."""
        try:
            with self._connect() as redis:
                return bool(
                    redis.set(_key(chunk_id), _TAKEN, xx=True, get=True, keepttl=True) == _TOLD
                )
        except RedisError:
            return False

    def is_known(self, chunk_id: str) -> bool:
        """Whether this chunk's child was said to be dead, so that its message has come back or will."""
        with self._connect() as redis:
            return bool(redis.exists(_key(chunk_id)))


def telling_request(tell: Callable[[str], None]) -> type[Request]:
    """Make Celery's class of requests one that tells of a child's death before its message goes back to the queue."""

    class TellingRequest(Request):  # type: ignore[misc]  # Celery is untyped
        """A chunk's message, as the process that received it sees it."""

        def on_failure(self, exc_info: ExceptionInfo, *args: Any, **options: Any) -> Any:
            """Handle the end of the child, or an exception that the task raised."""
            error = exc_info.exception
            if isinstance(
                error.exc if isinstance(error, ExceptionWithTraceback) else error, WorkerLostError
            ):
                tell(self.id)
            return super().on_failure(exc_info, *args, **options)

    return TellingRequest


def _key(chunk_id: str) -> str:
    return f"issuance:orphan:{chunk_id}"
