"""RabbitMQ as a broker that a test can stop, kill and freeze, with a Valkey for limits."""

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import cycle
from typing import Any

from kombu.connection import Connection

from broker.queues import LANE_QUEUES
from broker.rabbitmq import SETTINGS
from issuance.job import Lane
from tests.rabbitmq import RabbitServer

_LANES = tuple(LANE_QUEUES.values())
_FULL, _ROOMY = "0.0000001", "0.4"
"""Shares of memory above which the server refuses messages; the second is its default."""
_CUT = "L = rabbit_networking:connections(), [exit(One, kill) || One <- L], length(L)."


class RabbitBroker:
    """A RabbitMQ server with quorum queues.

    Args:
        server: a running one; its creator stops it.
        redis_url: of limits and locks; no fault of the broker affects it.
    """

    forgets_quietly = True
    kept_until_acknowledged = True
    refusals = ()
    heartbeat_seconds = SETTINGS["broker_heartbeat"]

    def __init__(self, server: RabbitServer, redis_url: str) -> None:
        self._server = server
        self.url = server.url
        self.redis_url = redis_url

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._server.start()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it; its data is on disk."""
        self._server.stop(number)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop it from answering; its connections stay open."""
        self._server.process.suspend()
        try:
            yield
        finally:
            self._server.process.resume()

    @contextmanager
    def full(self) -> Iterator[None]:
        """Make it refuse messages, by its memory alarm."""
        self._server.control("set_vm_memory_high_watermark", _FULL)
        try:
            yield
        finally:
            self._server.control("set_vm_memory_high_watermark", _ROOMY)

    def refusing(self, how: str) -> AbstractContextManager[None]:
        """It has no such errors."""
        raise NotImplementedError(how)

    def flush(self) -> None:
        """Delete all queues."""
        with self._channel() as channel:
            for queue in _LANES:
                channel.queue_delete(queue)

    def cut_connections(self) -> int:
        """Cut all connections; returns how many."""
        return int(self._server.control("eval", _CUT))

    def spoil_queued(self) -> int:
        """Make the messages of the blast queue unreadable; returns how many."""
        queue = LANE_QUEUES[Lane.BLAST]
        spoils = cycle((_unknown_task, _broken_json, _pickle))
        spoilt = []
        with self._channel() as channel:
            while (message := channel.basic_get(queue)) is not None:
                next(spoils)(message)
                spoilt.append(message)
                channel.basic_ack(message.delivery_tag)
            for message in spoilt:
                channel.basic_publish(message, routing_key=queue)
        return len(spoilt)

    def queued(self) -> int:
        """Chunks that wait in the broker."""
        with self._channel() as channel:
            return sum(channel.queue_declare(queue, passive=True).message_count for queue in _LANES)

    def fetched(self) -> int:
        """Chunks that were handed over and not acknowledged."""
        rows = self._server.control(
            "list_queues", "name", "messages_unacknowledged", "--no-table-headers"
        ).splitlines()
        counts = {name: int(count) for name, count in map(str.split, rows)}
        return sum(counts[queue] for queue in _LANES)

    @contextmanager
    def _channel(self) -> Iterator[Any]:
        with Connection(self.url) as connection, connection.channel() as channel:
            yield channel


def _unknown_task(message: Any) -> None:
    message.properties["application_headers"]["task"] = "issuance.of_tomorrow"


def _broken_json(message: Any) -> None:
    message.body = b"[[1, 2"


def _pickle(message: Any) -> None:
    message.properties["content_type"] = "application/x-python-serialize"
