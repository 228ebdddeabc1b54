"""Brokers that a test can stop, kill and freeze."""

import json
import shutil
import signal
import subprocess
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any, Protocol

import psutil
from redis import Redis
from redis.exceptions import RedisError

from console.local.embedded import broker_command
from tests.chaos.rabbit import RabbitBroker
from tests.e2e.processes import await_that
from tests.rabbitmq import NotInstalledError, installed_server
from tests.valkey import free_port

_QUEUE_KEYS = ("issuance:issuance.blast", "issuance:issuance.background")
_END_SECONDS = 15
_PASSWORD = "chaos"


class Broker(Protocol):
    """What faults can do to a broker.

    Attributes:
        url: where it is.
        redis_url: the Redis of limits and locks.
        forgets_quietly: its loss of all messages cannot be detected; their leases have to lapse.
        kept_until_acknowledged: it keeps a message until the jobs are recorded.
        refusals: the ways in which it can answer without working, for `refusing`.
        heartbeat_seconds: how often it checks its consumers; None: it redelivers only after the
            visibility timeout.
    """

    url: str
    redis_url: str
    forgets_quietly: bool
    kept_until_acknowledged: bool
    refusals: Sequence[str]
    heartbeat_seconds: float | None

    def start(self) -> None:
        """Start it and wait until it answers."""

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it; its data is on disk."""

    def frozen(self) -> AbstractContextManager[None]:
        """Stop it from answering within the `with`; its connections stay open."""

    def full(self) -> AbstractContextManager[None]:
        """Make it refuse messages within the `with`."""

    def refusing(self, how: str) -> AbstractContextManager[None]:
        """Make it answer with this error within the `with`."""

    def flush(self) -> None:
        """Delete everything in it."""

    def cut_connections(self) -> int:
        """Cut all connections; returns how many."""

    def spoil_queued(self) -> int:
        """Make the messages of the blast queue unreadable; returns how many."""

    def queued(self) -> int:
        """Chunks waiting in the broker."""

    def fetched(self) -> int:
        """Chunks delivered and not acknowledged."""


_REFUSALS = {
    "READONLY": ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
    "NOREPLICAS": ("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"),
    "NOPERM": ("ACL SETUSER default -@write", "ACL SETUSER default +@all"),
}
"""The error's code → the command that causes it, and the one that ends it."""


class RedisBroker:
    """A server with an append-only file that keeps its port and folder over restarts.

    Args:
        folder: for its data and its log.
        binary: of another server than Valkey.
    """

    forgets_quietly = False
    kept_until_acknowledged = False
    refusals = tuple(_REFUSALS)
    heartbeat_seconds = None

    def __init__(self, folder: Path, binary: str | None = None) -> None:
        self._port = free_port()
        self._log = folder / "broker.log"
        command = broker_command(folder, self._port, _PASSWORD)
        self._command = [binary, *command[1:]] if binary else command
        self._process: psutil.Popen | None = None
        self.url = self.redis_url = f"redis://:{_PASSWORD}@127.0.0.1:{self._port}/0"
        self.client = Redis.from_url(self.url, decode_responses=True, socket_timeout=5)

    def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = psutil.Popen(
                self._command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        await_that("the broker answers", self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it; its data is on disk, except the last second's after SIGKILL."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(_END_SECONDS)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop it from answering; its connections stay open."""
        assert self._process is not None
        self._process.suspend()
        try:
            yield
        finally:
            self._process.resume()

    def end(self) -> None:
        """Stop it for the last time."""
        self.client.close()
        if self._process is not None and self._process.is_running():
            self._process.resume()
            self.stop(signal.SIGKILL)

    @contextmanager
    def full(self) -> Iterator[None]:
        """Make it refuse commands that need memory."""
        self.client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            self.client.config_set("maxmemory", 0)

    @contextmanager
    def refusing(self, how: str) -> Iterator[None]:
        """Make it answer with this error."""
        begin, end = _REFUSALS[how]
        self.client.execute_command(*begin.split())
        try:
            yield
        finally:
            self.client.execute_command(*end.split())

    def flush(self) -> None:
        """Delete everything in it."""
        self.client.flushall()

    def cut_connections(self) -> int:
        """Cut all connections; returns how many."""
        return int(self.client.client_kill_filter(_type="normal", skipme=True))

    def spoil_queued(self) -> int:
        """Make the messages of the blast queue unreadable; returns how many."""
        key = _QUEUE_KEYS[0]
        spoils = cycle((_unknown_task, _broken_json, _pickle))
        for place in range(found := int(self.client.llen(key))):
            message = json.loads(self.client.lindex(key, place))
            next(spoils)(message)
            self.client.lset(key, place, json.dumps(message))
        return found

    def queued(self) -> int:
        """Chunks waiting in the broker."""
        return sum(self.client.llen(key) for key in _QUEUE_KEYS)

    def fetched(self) -> int:
        """Chunks delivered and not acknowledged."""
        return int(self.client.hlen("issuance:unacked"))


def _unknown_task(message: dict[str, Any]) -> None:
    message["headers"]["task"] = "issuance.of_tomorrow"


def _broken_json(message: dict[str, Any]) -> None:
    message["body"] = b64encode(b"[[1, 2").decode()


def _pickle(message: dict[str, Any]) -> None:
    message["content-type"] = "application/x-python-serialize"


@contextmanager
def running_broker(name: str, folder: Path) -> Iterator[Broker]:
    """Run valkey, redis, or rabbitmq with a Valkey for limits and locks.

    Raises:
        NotInstalledError: the server is not installed.
    """
    if name == "rabbitmq":
        with installed_server() as server, _running_redis(folder, None) as limits:
            yield RabbitBroker(server, limits.url)
        return
    binary = shutil.which("redis-server") if name == "redis" else None
    if name == "redis" and binary is None:
        raise NotInstalledError("no redis-server is installed here")
    with _running_redis(folder, binary) as broker:
        yield broker


@contextmanager
def _running_redis(folder: Path, binary: str | None) -> Iterator[RedisBroker]:
    broker = RedisBroker(folder, binary)
    broker.start()
    try:
        yield broker
    finally:
        broker.end()
