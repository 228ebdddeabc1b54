"""Celery's consumer, made to come back soon after its broker, and to fit RabbitMQ."""

import logging
import time
from functools import partial
from typing import Any

import structlog
from celery.worker.consumer import Consumer
from redis.exceptions import OutOfMemoryError

log = structlog.get_logger("issuance.worker")

_DELAYED_DELIVERY = "celery.worker.consumer.delayed_delivery:DelayedDelivery"
_AGAIN = {"interval_start": 1, "interval_step": 1, "interval_max": 4}
"""Seconds between tries. Celery's own grow to 30: a worker would sleep on when the broker is back."""
_NO_MEMORY_SECONDS = 1.0


class ReturningConsumer(Consumer):  # type: ignore[misc]  # Celery is untyped
    """Connects within a few seconds of the broker's return, however long it was away.

    A Redis without memory counts as away: Celery itself would end the worker.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        known: tuple[type[Exception], ...] = vars(self)["connection_errors"]
        self.connection_errors = (*known, OutOfMemoryError)

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, trying until it works."""
        conn.ensure_connection = partial(conn.ensure_connection, **_AGAIN)
        return super().ensure_connected(conn)

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Tell of the error; the next try follows."""
        super().on_connection_error_before_connected(exc)
        _wait_for_memory(exc)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Tell of the error; the next try follows."""
        super().on_connection_error_after_connected(exc)
        _wait_for_memory(exc)


def _wait_for_memory(exc: Exception) -> None:
    if isinstance(exc, OutOfMemoryError):
        time.sleep(_NO_MEMORY_SECONDS)  # connecting works at once, and is of no use


class RabbitConsumer(ReturningConsumer):
    """Declares only the queues it consumes, and rejects what it cannot read.

    With quorum queues Celery's own makes 28 others, for delays that nothing of ours has. And it
    acknowledges a body that it cannot read, which would then be gone.
    """

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]  # Celery is untyped
        """The steps of starting."""

        default_steps = tuple(
            step for step in Consumer.Blueprint.default_steps if step != _DELAYED_DELIVERY
        )

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Tell of a message whose body cannot be read, and reject it."""
        log.error("message_unreadable", error=repr(exc), headers=message.headers)
        message.reject_log_error(logging.getLogger("issuance.worker"), self.connection_errors)
