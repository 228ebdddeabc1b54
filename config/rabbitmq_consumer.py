"""Celery's consumer, made to fit RabbitMQ."""

import logging
from typing import Any

import structlog
from celery.worker.consumer import Consumer

log = structlog.get_logger("issuance.worker")

_DELAYED_DELIVERY = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class RabbitConsumer(Consumer):  # type: ignore[misc]  # Celery is untyped
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
