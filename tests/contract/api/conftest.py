"""A real loopback server whose answers the test writes, and clients that the test closes."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress

import pytest
from pydantic import SecretStr

from rewards_api.account import ApiAccount
from rewards_api.client import RewardsClient

Reply = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]

# The server resets instead of closing: no FIN, no answer.
_RESET = struct.pack("ii", 1, 0)


class Server:
    """Reads whole requests, one after another on each connection; `reply` answers each."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._tasks: set[asyncio.Task[None]] = set()
        self.requests: list[bytes] = []
        self.connections = 0
        self.received = asyncio.Event()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def bodies(self) -> list[bytes]:
        return [request.partition(b"\r\n\r\n")[2] for request in self.requests]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        self.reader = reader
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while not writer.is_closing():
                    self.requests.append(await _read_request(reader))
                    self.received.set()
                    await self._reply(self.requests[-1], writer)
        finally:
            self._tasks.discard(task)
            writer.close()


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + (await reader.readexactly(int(lengths[0].partition(b":")[2])) if lengths else b"")


def http(status: str = "200 OK", body: bytes = b"{}", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.fixture
def answer() -> Callable[..., bytes]:
    """Builds an HTTP answer: status line, body, more header lines."""
    return http


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Reply | bytes], Awaitable[Server]]]:
    """Starts a server that answers with the given bytes, or calls the given function."""
    async with AsyncExitStack() as stack:

        async def start(reply: Reply | bytes) -> Server:
            async def write(_request: bytes, writer: asyncio.StreamWriter) -> None:
                writer.write(reply)
                await writer.drain()

            server = Server(write if isinstance(reply, bytes) else reply)
            await server.start()
            stack.push_async_callback(server.close)
            return server

        yield start


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., RewardsClient]]:
    """Makes a client for a URL; other arguments are the account's."""
    async with AsyncExitStack() as stack:

        def make(url: str, *, token_store: object = None, **fields: object) -> RewardsClient:
            defaults = {"till": "demo.till", "password": SecretStr("demo"), "timeout_seconds": 10.0}
            client = RewardsClient(
                ApiAccount(base_url=url, **defaults | fields), token_store=token_store
            )
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
def reset() -> Callable[[asyncio.StreamWriter], None]:
    """Ends a connection with a TCP reset."""

    def abort(writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()

    return abort
