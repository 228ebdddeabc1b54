"""The broker as the rest of the system meets it: a message is on it for sure, or an error says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery import Celery
    from kombu.connection import Connection

_CONFIRM_SECONDS = 5.0
"""So long RabbitMQ may take to say that it has a message: it says nothing while it is out of memory or disk."""
_PRODUCER_SECONDS = 5.0


class BrokerAway(Exception):  # noqa: N818  # what is the case, not what went wrong
    """The broker cannot be reached, or refused what it was given: check the server of ISSUANCE_BROKER_URL."""


@contextmanager
def reach_broker(app: "Celery") -> Iterator[None]:
    """Turn whatever a broker's absence looks like into one error.

    Raises:
        BrokerAway: something within could not reach the broker.
    """
    try:
        yield
    except _absences(app) as error:
        raise BrokerAway(f"{type(error).__name__}: {error}") from error


def _absences(app: "Celery") -> tuple[type[Exception], ...]:
    from kombu.exceptions import KombuError  # noqa: PLC0415  # not before it is needed: commands shall start fast

    # not opened: it only knows its transport's errors
    connection: Connection = app.connection_for_write()
    return (KombuError, OSError, *connection.connection_errors, *connection.channel_errors)


def publish(app: "Celery", task: str, **options: Any) -> None:
    """Put a task's message on the broker. It is tried once: whoever publishes has a later round.

    Args:
        app: the Celery application.
        task: its name.
        **options: of `Celery.send_task`.

    Raises:
        BrokerAway: the message may not be there; or it is, and only the answer was lost.
    """
    with (
        reach_broker(app),
        app.producer_pool.acquire(block=True, timeout=_PRODUCER_SECONDS) as producer,
    ):
        try:
            # Mandatory: a message for a queue that somebody has deleted is an error, too.
            app.send_task(
                task,
                producer=producer,
                retry=False,
                mandatory=True,
                confirm_timeout=_CONFIRM_SECONDS,
                **options,
            )
        except BaseException:
            _forget_connection(producer.connection)
            raise


def _forget_connection(connection: "Connection") -> None:
    """Have RabbitMQ's connection opened anew: a late answer on it would be taken for that to the next message."""
    if connection.transport.driver_type == "amqp":
        connection.collect()
