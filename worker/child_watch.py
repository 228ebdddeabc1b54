"""Watching for dead children more often than Celery does, so that their chunks go on at once."""

from typing import Any

from celery.bootsteps import StartStopStep

_EVERY_SECONDS = 0.5


class ChildWatch(StartStopStep):  # type: ignore[misc]  # Celery is untyped
    """A step of a worker's start that has the pool look after its children every half second.

    Celery hears of a child's end through a pipe that closes. On a busy machine it then looks too early: the child is
    not quite dead, and the next look comes with the pool's own round, up to five seconds later.
    """

    requires = ("celery.worker.components:Pool",)

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Begin; Celery ends it with the connection, and calls this again on the next one."""
        hub.call_repeatedly(_EVERY_SECONDS, worker.pool.maintain_pool)
