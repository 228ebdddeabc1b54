"""Carried chunks: their messages are acknowledged, but some of their calls are open in a child.

If that child dies, no message comes back for them. So each child keeps in Redis which chunks it
carries. The worker process that sees it die marks these as lost, and the next release gives their
jobs back.
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
    """What the children of one worker carry. Without Redis a dead child's jobs wait for their lease.

    Made before the children are forked, so that they and their worker have one key between them.

    Args:
        connect: opens a connection to the Redis that all workers share; see `Orphans`.
        orphans: knows the chunks whose message comes back, which are not lost.
        remember_seconds: the lease; past it the jobs are free for everybody.
    """

    def __init__(
        self, connect: Callable[[], Redis], orphans: Orphans, remember_seconds: float
    ) -> None:
        self._connect = connect
        self._orphans = orphans
        self._remember_milliseconds = max(1, int(remember_seconds * 1000))
        self._worker = uuid4().hex

    async def note(self, redis: AsyncRedis, chunk_ids: Iterable[str]) -> None:
        """Note what this process carries, before the newest one's message is acknowledged."""
        try:
            await redis.set(
                self._key(os.getpid()), " ".join(chunk_ids), px=self._remember_milliseconds
            )
        except (RedisError, OSError) as error:
            log.warning("carried_chunks_save_failed", error=str(error))

    def mark_lost(self, process_id: int) -> None:
        """Say that a child is dead; called after Celery has put back the message of its last chunk.

        What it noted may have ended since. That is harmless: such a chunk has no running jobs.
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
        """The chunks that dead children carried, of all workers, until they are forgotten."""
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
