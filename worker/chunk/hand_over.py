"""Hands a chunk over: its child takes the next chunk while its last calls are open."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import structlog

from worker.chunk.chunk_locks import ChunkLocks
from worker.chunk.places import Places
from worker.chunk.progress import Progress

log = structlog.get_logger("issuance.worker")

_RELEASE_EVERY_SECONDS = 0.5
_STALLED_SECONDS = 0.02
"""A chunk of which no job begins for this long waits for a place or for a call slot."""


class HandOver:
    """Hands a chunk over when all of its jobs have begun and places are free.

    The child then carries the open calls. Customers whose calls have ended are unlocked at once,
    and then every half second.

    Args:
        progress: the chunk's progress.
        places: the child's places.
        locks: the chunk's locks.
        is_stopping: returns whether the worker is stopping; it then takes no next chunk.
        notify: called once, when the child may take its next chunk.
        eager: whether to hand over as soon as the next job must wait for a place or for a call
            slot, instead of when all have begun. Then the slow or suspended API of one account does
            not delay the chunks of another; what a child may hold is bounded by the release.
    """

    def __init__(
        self,
        progress: Progress,
        places: Places,
        locks: ChunkLocks,
        *,
        is_stopping: Callable[[], bool],
        notify: Callable[[], Awaitable[None]],
        eager: bool = False,
    ) -> None:
        self._progress = progress
        self._places = places
        self._locks = locks
        self._is_stopping = is_stopping
        self._notify = notify
        self._eager = eager
        self._asks_redis = False
        self._is_over = False

    async def __aenter__(self) -> Self:
        self._watch = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._is_over = True
        if not self._asks_redis:  # a cancelled command costs its connection
            self._watch.cancel()
        with suppress(asyncio.CancelledError):
            await self._watch

    async def _run(self) -> None:
        if not self._eager or self._progress.is_alone:
            await self._all_begun()
        else:
            await self._all_begun_or_stalled()
        if self._progress.is_alone or self._is_stopping():
            return
        try:
            await self._in_redis(self._notify())
            while not self._is_over:
                await self._in_redis(self._locks.release(but=self._progress.customers))
                await asyncio.sleep(0 if self._is_over else _RELEASE_EVERY_SECONDS)
        except Exception:
            log.exception("hand_over_failed")  # a bug must not cost the calls their outcomes

    async def _all_begun(self) -> None:
        await self._progress.all_begun.wait()
        await self._places.unfinished.falls_to(self._places.carried_most)

    async def _all_begun_or_stalled(self) -> None:
        if self._places.are_full:
            return
        begun = -1
        while begun < self._progress.begun:
            begun = self._progress.begun
            with suppress(TimeoutError):
                async with asyncio.timeout(_STALLED_SECONDS):
                    await self._all_begun()
                return

    async def _in_redis(self, command: Awaitable[None]) -> None:
        self._asks_redis = True
        try:
            await command
        finally:
            self._asks_redis = False
