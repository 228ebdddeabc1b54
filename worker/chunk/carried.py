"""Carried chunks: their messages are acknowledged, but some of their calls are still open in a child.

If the child dies, no message comes back to tell of them. So each child keeps in Redis which chunks it carries, and the
worker process that sees it die marks these as lost; the next release gives their jobs back.
"""

import os
from collections.abc import Callable, Iterable

import structlog
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from worker.orphans import Orphans

log = structlog.get_logger("issuance.worker")

_LOST = "issuance:lost-chunks"


class CarriedChunks:
    """What the children of one host carry. Without Redis a dead child's calls wait for their lease to lapse.

    Args:
        connect: opens a connection to the Redis that all workers share; see `Orphans`.
        orphans: chunks whose message comes back, so that they are not lost.
        host: this machine's name, unlike that of any other worker.
        remember_seconds: the lease; past it the jobs are free for everybody.
    """

    def __init__(self, connect: Callable[[], Redis], orphans: Orphans, host: str, remember_seconds: float) -> None:
        self._connect = connect
        self._orphans = orphans
        self._host = host
        self._remember_milliseconds = max(1, int(remember_seconds * 1000))
        self._ids: set[str] = set()

    async def add(self, redis: AsyncRedis, chunk_id: str) -> None:
        """Note that this process carries a chunk, before its message is acknowledged. In the event loop's thread."""
        self._ids.add(chunk_id)
        try:
            await redis.set(self._key(os.getpid()), " ".join(self._ids), px=self._remember_milliseconds)
        except RedisError as error:
            log.warning("carried chunk not noted", chunk_id=chunk_id, error=str(error))

    def discard(self, chunk_id: str) -> None:
        """Forget a chunk whose calls have ended. In Redis it stays until another is added, which harms nobody."""
        self._ids.discard(chunk_id)

    def mark_lost(self, process_id: int) -> None:
        """Say that a child of this host is dead, after its own chunk's message was put back."""
        try:
            with self._connect() as redis:
                noted = str(redis.get(self._key(process_id)) or "")
                lost = [chunk_id for chunk_id in noted.split() if not self._orphans.is_known(chunk_id)]
                if lost:
                    redis.sadd(_LOST, *lost)
                    redis.pexpire(_LOST, self._remember_milliseconds)
        except RedisError as error:
            log.warning("carried chunks not told", process_id=process_id, error=str(error))

    def lost(self) -> list[str]:
        """The chunks that dead children carried, until they are forgotten."""
        try:
            with self._connect() as redis:
                return sorted(map(str, redis.smembers(_LOST)))
        except RedisError:
            return []

    def forget(self, chunk_ids: Iterable[str]) -> None:
        """Forget lost chunks whose jobs are given back."""
        try:
            with self._connect() as redis:
                redis.srem(_LOST, *chunk_ids)
        except RedisError as error:
            log.warning("lost chunks not forgotten", error=str(error))

    def _key(self, process_id: int) -> str:
        return f"issuance:carried:{self._host}:{process_id}"
