"""A TLS server that plays each protocol until the client has given its password, and records it."""

import socket
import ssl
import struct
import threading
from contextlib import suppress
from typing import Self

PASSWORD = "hush-hush"
_SECONDS = 10.0


def _amqp_start() -> bytes:
    method = struct.pack("!HHBBI", 10, 10, 0, 9, 0)
    method += struct.pack("!I", 5) + b"PLAIN" + struct.pack("!I", 5) + b"en_US"
    return struct.pack("!BHI", 1, 0, len(method)) + method + b"\xce"


_POSTGRESQL_ASKS = b"R" + struct.pack("!II", 8, 3)
"""AuthenticationCleartextPassword."""
_GREETINGS = {"amqps": _amqp_start(), "postgresql": _POSTGRESQL_ASKS}


class RecordingServer:
    """Listens on all addresses of IPv4 while its `with` runs.

    Args:
        scheme: of the protocol.
        context: with the server's certificate.
    """

    def __init__(self, scheme: str, context: ssl.SSLContext) -> None:
        self._scheme, self._context = scheme, context
        self._listener = socket.create_server(("0.0.0.0", 0))  # 0.0.0.0 is no loopback address
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.received = b""
        """Everything that clients sent inside TLS."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(_SECONDS * 2)
        assert not self._thread.is_alive()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            client.settimeout(_SECONDS)
            with client, suppress(OSError):
                self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        if self._scheme == "postgresql":
            while client.recv(8)[-4:] != struct.pack("!I", 80_877_103):
                client.sendall(b"N")  # no encryption by GSSAPI
            client.sendall(b"S")
        with self._context.wrap_socket(client, server_side=True) as secure:
            greeting = _GREETINGS.get(self._scheme, b"")
            while data := secure.recv(65_536):
                self.received += data
                secure.sendall(greeting)
                greeting = b""
                if PASSWORD.encode() in self.received:
                    return
