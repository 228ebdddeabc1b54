"""Celery's consumer, changed to reconnect within seconds and to fit RabbitMQ."""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from celery.worker.consumer import Consumer
from redis.exceptions import AuthenticationError, BusyLoadingError, ResponseError

log = structlog.get_logger("issuance.worker")

_CONTROL = "celery.worker.consumer.control:Control"
_READING_CONTROL = "broker.remote_control:ReadingControl"
_OURS = "issuance."
_DELAYED_DELIVERY = "celery.worker.consumer.delayed_delivery:DelayedDelivery"
_AGAIN = {"interval_start": 1, "interval_step": 1, "interval_max": 4}
"""Seconds between tries to connect; Celery's own delays grow to 30."""
_REFUSALS = (ResponseError, BusyLoadingError, AuthenticationError)
"""Replies of a Redis that answers and does not work: connecting to it succeeds, and is no help."""
_REFUSED_SECONDS = 1.0
_LONGEST_ERROR = 300
_celery_log = logging.getLogger("issuance.worker")


class ReturningConsumer(Consumer):  # type: ignore[misc]  # Celery is untyped
    """Reconnects within a few seconds of the broker's return, however long it was away.

    A Redis that answers with an error counts as away (`broker.redis_transport`).

    It runs only our own tasks, answers only commands that read, and survives any message.
    """

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]  # Celery is untyped
        """The steps of starting."""

        default_steps = tuple(
            _READING_CONTROL if step == _CONTROL else step
            for step in Consumer.Blueprint.default_steps
        )

    def update_strategies(self) -> None:
        """Learn the tasks; without Celery's own, which call any task with any arguments."""
        super().update_strategies()
        for name in [name for name in self.app.tasks if not name.startswith(_OURS)]:
            self.strategies.pop(name, None)

    def create_task_handler(self, *arguments: Any, **options: Any) -> Callable[[Any], None]:
        """Make what handles a task's message; a message that it fails on is rejected."""
        handle = super().create_task_handler(*arguments, **options)
        # kombu's list for Redis has KeyError, too, which a message without an id causes.
        lost = tuple(
            kind
            for kind in (*self.connection_errors, *self.channel_errors)
            if not issubclass(kind, LookupError)
        )

        def guard(message: Any) -> None:
            try:
                handle(message)
            except lost:
                raise
            except Exception as error:
                log.exception("message_unusable", error=repr(error)[:_LONGEST_ERROR])
                if not message.acknowledged:
                    message.reject_log_error(_celery_log, self.connection_errors)

        return guard

    def ensure_connected(self, conn: Any) -> Any:
        """Connect; retry until it works."""
        conn.ensure_connection = partial(conn.ensure_connection, **_AGAIN)
        return super().ensure_connected(conn)

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        """Log the error; Celery tries again."""
        super().on_connection_error_before_connected(exc)
        _wait_after_refusal(exc)

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Log the error; Celery tries again."""
        super().on_connection_error_after_connected(exc)
        _wait_after_refusal(exc)


def _wait_after_refusal(exc: Exception) -> None:
    if isinstance(exc, _REFUSALS):
        time.sleep(_REFUSED_SECONDS)


class RabbitConsumer(ReturningConsumer):
    """Declares only the queues it consumes, and rejects messages that it cannot read.

    With quorum queues Celery's own consumer declares 28 more, for delayed delivery, which this
    project does not use. It also acknowledges a body that it cannot read, which loses the message.
    """

    class Blueprint(ReturningConsumer.Blueprint):
        """The steps of starting."""

        default_steps = tuple(
            step for step in ReturningConsumer.Blueprint.default_steps if step != _DELAYED_DELIVERY
        )

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Log a message whose body cannot be read, and reject it."""
        log.error("message_unreadable", error=repr(exc), headers=message.headers)
        message.reject_log_error(_celery_log, self.connection_errors)
