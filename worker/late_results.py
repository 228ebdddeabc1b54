"""Shows in Flower the results of chunks whose last calls ended after their task."""

import asyncio
import time
from collections.abc import Callable
from threading import Thread

import structlog
from celery import Celery

from broker.publisher import BrokerAway, reach_broker
from worker.chunk.chunk_result import ChunkResult

log = structlog.get_logger("issuance.worker")

_DELAY_SECONDS = 1.0
"""Celery's own event of the task's success comes first, and Flower keeps the later one."""


class LateResults:
    """Sends the event of a task's success again, with the final counts.

    Each event has a thread of its own: a slow broker delays no call, no record and no end of the
    process. An event that cannot be sent is dropped; Flower then shows the counts of the task's
    end.

    Args:
        app: sends the events.
        loop: this process's event loop, which counts the delay.
        delay_seconds: from the end of a chunk to its event.
    """

    def __init__(
        self,
        app: Celery,
        loop: asyncio.AbstractEventLoop,
        delay_seconds: float = _DELAY_SECONDS,
    ) -> None:
        self._app = app
        self._loop = loop
        self._delay_seconds = delay_seconds

    def of_task(self, task_id: str, node: str) -> Callable[[ChunkResult], None]:
        """Return what to call, from any thread, when a task's chunk has ended.

        Args:
            task_id: the task's id.
            node: the worker's node name, under which Flower knows it.
        """
        started = time.monotonic()

        def show(result: ChunkResult) -> None:
            runtime = time.monotonic() - started
            send = Thread(
                target=self._send, args=(task_id, node, repr(result), runtime), daemon=True
            )
            self._loop.call_soon_threadsafe(
                lambda: self._loop.call_later(self._delay_seconds, send.start)
            )

        return show

    def _send(self, task_id: str, node: str, result: str, runtime: float) -> None:
        try:
            with (
                reach_broker(self._app),
                self._app.events.default_dispatcher(hostname=node) as events,
            ):
                events.send(
                    "task-succeeded", uuid=task_id, result=result, runtime=runtime, retry=False
                )
        except BrokerAway as error:
            log.debug("late_result_dropped", chunk_id=task_id, error=str(error))
