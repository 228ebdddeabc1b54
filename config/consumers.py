"""Celery's consumer, made to come back soon after its broker, and to fit RabbitMQ."""

import logging
from functools import partial
from typing import Any

import structlog
from celery.worker.consumer import Consumer

log = structlog.get_logger("issuance.worker")

_DELAYED_DELIVERY = "celery.worker.consumer.delayed_delivery:DelayedDelivery"
_AGAIN = {"interval_start": 1, "interval_step": 1, "interval_max": 4}
"""Seconds between tries. Celery's own grow to 30: a worker would sleep on when the broker is back."""


class ReturningConsumer(Consumer):  # type: ignore[misc]  # Celery is untyped
    """Connects within a few seconds of the broker's return, however long it was away."""

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, trying until it works."""
        conn.ensure_connection = partial(conn.ensure_connection, **_AGAIN)
        return super().ensure_connected(conn)


class RabbitConsumer(ReturningConsumer):
    """Declares only the queues it consumes, and rejects what it cannot read.

    With quorum queues Celery's own makes 28 others, for delays that nothing of ours has. And it acknowledges a body
    that it cannot read, which would then be gone.
    """

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]  # Celery is untyped
        """The steps of starting."""

        default_steps = tuple(step for step in Consumer.Blueprint.default_steps if step != _DELAYED_DELIVERY)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Tell of a message whose body cannot be read, and reject it."""
        log.error("message not readable", error=repr(exc), headers=message.headers)
        message.reject_log_error(logging.getLogger("issuance.worker"), self.connection_errors)
