"""A webhook for tests: it records what it gets, and misbehaves as a test asks."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Behaviour = Callable[[socket.socket, threading.Event], None]


def answer(status: int) -> Behaviour:
    """Answer with this status and nothing else."""

    def behave(connection: socket.socket, _ended: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)

    return behave


def redirect(connection: socket.socket, _ended: threading.Event) -> None:
    """Name another place."""
    connection.sendall(b"HTTP/1.1 307 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")


def hang(_connection: socket.socket, ended: threading.Event) -> None:
    """Answer nothing."""
    ended.wait(30)


def drip(connection: socket.socket, ended: threading.Event) -> None:
    """Send a byte of an endless head now and then."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while not ended.wait(0.05):
        connection.sendall(b".")


def drip_body(connection: socket.socket, ended: threading.Event) -> None:
    """Accept, then send an endless body."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not ended.wait(0.05):
        connection.sendall(b".")


def vanish(_connection: socket.socket, _ended: threading.Event) -> None:
    """Close the connection without an answer."""


@dataclass
class Request:
    """What was received."""

    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Receiver:
    """The server; `behaviours` are used up one for each request, the last one stays."""

    url: str
    behaviours: list[Behaviour] = field(default_factory=lambda: [answer(204)])
    requests: list[Request] = field(default_factory=list)
    closed: list[threading.Event] = field(default_factory=list)
    """One for each connection: set when it has ended."""

    def next_behaviour(self) -> Behaviour:
        return self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]


@contextmanager
def run_receiver(*behaviours: Behaviour) -> Iterator[Receiver]:
    """Run a receiver on a free port of loopback."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.02)
        made = Receiver(f"http://127.0.0.1:{server.getsockname()[1]}/secret-path")
        if behaviours:
            made.behaviours = list(behaviours)
        acceptor = threading.Thread(target=_accept, args=(server, made, ended))
        acceptor.start()
        try:
            yield made
        finally:
            ended.set()
            acceptor.join()


def _accept(server: socket.socket, made: Receiver, ended: threading.Event) -> None:
    threads = []
    while not ended.is_set():
        try:
            connection, _ = server.accept()
        except TimeoutError:
            continue
        made.closed.append(threading.Event())
        thread = threading.Thread(target=_serve, args=(connection, made, ended, made.closed[-1]))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()


def _serve(
    connection: socket.socket, made: Receiver, ended: threading.Event, closed: threading.Event
) -> None:
    with connection:
        try:
            made.requests.append(_read(connection))
            made.next_behaviour()(connection, ended)
        except OSError:
            pass  # the caller has closed the connection
        finally:
            closed.set()


def _read(connection: socket.socket) -> Request:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536) or _end()
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65_536) or _end()
    return Request(headers, body, time.monotonic())


def _end() -> bytes:
    raise ConnectionError
