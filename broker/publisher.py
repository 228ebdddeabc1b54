"""Publishing to the broker: when `publish` returns without an error, the broker has the message."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery import Celery
    from kombu.connection import Connection

_CONFIRM_SECONDS = 5.0
"""Longest wait for RabbitMQ's confirmation; it sends none while it is out of memory or disk."""
_PRODUCER_SECONDS = 5.0
_COLLECT_SECONDS = 1.0


class BrokerAway(Exception):  # noqa: N818  # named for the state, as callers read it
    """The broker is out of reach or refused a message; check the server of ISSUANCE_BROKER_URL."""


class PublishRefused(Exception):  # noqa: N818  # named for the event, as callers read it
    """The broker answers and does not take this message; the next try would be refused, too."""


@contextmanager
def reach_broker(app: "Celery") -> Iterator[None]:
    """Turn every error of an absent broker into one.

    Raises:
        BrokerAway: the body of the `with` could not reach the broker.
    """
    try:
        yield
    except _absences(app) as error:
        raise BrokerAway(f"{type(error).__name__}: {error}") from error


def _absences(app: "Celery") -> tuple[type[Exception], ...]:
    # imported late, so that commands start quickly
    from kombu.exceptions import KombuError  # noqa: PLC0415

    # stays closed: only its transport's error types are read
    connection: Connection = app.connection_for_write()
    return (KombuError, OSError, *connection.connection_errors, *connection.channel_errors)


@contextmanager
def _refusals() -> Iterator[None]:
    """Distinguish refusals of a message from an absent broker, whose errors have the same bases."""
    from amqp import exceptions as amqp  # noqa: PLC0415  # as in `_absences`
    from kombu.exceptions import EncodeError  # noqa: PLC0415

    try:
        yield
    except (
        EncodeError,
        amqp.AccessRefused,
        amqp.ContentTooLarge,
        amqp.FrameError,
        amqp.FrameSyntaxError,
        amqp.NotAllowed,
        amqp.PreconditionFailed,
    ) as error:
        raise PublishRefused(f"{type(error).__name__}: {error}") from error


def publish(app: "Celery", task: str, **options: Any) -> None:
    """Put a task's message on the broker, without a retry: the caller's next round publishes again.

    Args:
        app: the Celery application.
        task: its name.
        **options: of `Celery.send_task`.

    Raises:
        BrokerAway: the message may not be there; or it is, and only the answer was lost.
        PublishRefused: the message is not there and would be refused again.
    """
    with (
        reach_broker(app),
        _refusals(),
        app.producer_pool.acquire(block=True, timeout=_PRODUCER_SECONDS) as producer,
    ):
        try:
            # Mandatory: a message for a deleted queue is an error, too.
            app.send_task(
                task,
                producer=producer,
                retry=False,
                mandatory=True,
                confirm_timeout=_CONFIRM_SECONDS,
                **options,
            )
        except BaseException:
            forget_connection(producer.connection)
            raise


def forget_connection(connection: "Connection") -> None:
    """Close the connection: publishing opens another one.

    On RabbitMQ a late confirmation could be taken for the next message's. A Redis that refuses may
    have become a replica, and a new connection leads to the new master.
    """
    connection.collect(socket_timeout=_COLLECT_SECONDS)


def forget_pools(app: "Celery") -> object:
    """In a forked child: remove an application's connections from kombu's pools; return them.

    The pools are the process's, so a new application would get the parent's connections.
    """
    from kombu import pools  # noqa: PLC0415  # as above
    from kombu.utils.collections import eqhash  # noqa: PLC0415

    key = eqhash(app.connection_for_write())
    return [dict.pop(pool, key, None) for pool in (pools.connections, pools.producers)]
