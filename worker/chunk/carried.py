"""Carried chunks: their messages are acknowledged while some of their calls are still open.

If their child dies, the broker delivers no message again. So each child saves in Redis which chunks
it carries. The worker process that sees it die marks these as lost, and the next release gives
their jobs back.
"""

import os
from collections.abc import Callable, Iterable
from uuid import uuid4

import structlog
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from worker.orphans import Orphans

log = structlog.get_logger("issuance.worker")

_LOST = "issuance:lost-chunks"


class CarriedChunks:
    """The chunks that one worker's children carry. Without Redis, lost jobs wait for their lease.

    Created before the fork, so that the worker and its children use the same keys.

    Args:
        connect: opens a connection to the Redis that all workers share; see `Orphans`.
        orphans: the chunks whose message is delivered again, which are not lost.
        remember_seconds: the lease; after it the jobs are free anyway.
    """

    def __init__(
        self, connect: Callable[[], Redis], orphans: Orphans, remember_seconds: float
    ) -> None:
        self._connect = connect
        self._orphans = orphans
        self._remember_milliseconds = max(1, int(remember_seconds * 1000))
        self._worker = uuid4().hex

    async def note(self, redis: AsyncRedis, chunk_ids: Iterable[str]) -> None:
        """Save what this process carries, before the newest chunk's message is acknowledged."""
        try:
            await redis.set(
                self._key(os.getpid()), " ".join(chunk_ids), px=self._remember_milliseconds
            )
        except (RedisError, OSError) as error:
            log.warning("carried_chunks_save_failed", error=str(error))

    def mark_lost(self, process_id: int) -> None:
        """Mark a dead child's chunks as lost; called after Celery has requeued its last message.

        A saved chunk may have ended since. That is harmless: it has no running jobs.
        """
        try:
            with self._connect() as redis:
                noted = str(redis.get(self._key(process_id)) or "")
                lost = [
                    chunk_id for chunk_id in noted.split() if not self._orphans.is_known(chunk_id)
                ]
                if lost:
                    redis.sadd(_LOST, *lost)
                    redis.pexpire(_LOST, self._remember_milliseconds)
        except (RedisError, OSError) as error:
            log.warning("carried_chunks_report_failed", process_id=process_id, error=str(error))

    def lost(self) -> list[str]:
        """Return the chunks that dead children of all workers carried, until `forget` is called."""
        try:
            with self._connect() as redis:
                return sorted(map(str, redis.smembers(_LOST)))
        except (RedisError, OSError):
            return []

    def forget(self, chunk_ids: Iterable[str]) -> None:
        """Forget lost chunks whose jobs are given back."""
        try:
            with self._connect() as redis:
                redis.srem(_LOST, *chunk_ids)
        except (RedisError, OSError) as error:
            log.warning("lost_chunks_delete_failed", error=str(error))

    def _key(self, process_id: int) -> str:
        return f"issuance:carried:{self._worker}:{process_id}"
