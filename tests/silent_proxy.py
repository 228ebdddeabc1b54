"""A TCP proxy that can fall silent: connections stay open, and nothing is forwarded any more."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Self

_START_SECONDS = 10.0
_CHUNK = 65_536


class SilentProxy:
    """Forwards to a server until it is silenced; runs in a thread of its own.

    Args:
        host: of the server; a path is a Unix socket.
        port: of the server.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._silent = False
        self._deaf: set[asyncio.StreamWriter] = set()
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self.swallowed = threading.Event()
        """Set when a silenced connection has received something."""
        self.port = 0

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def silence(self) -> None:
        """Forward nothing any more, on open and on new connections."""
        self._call(lambda: (setattr(self, "_silent", True), self._deaf.update(self._open)))

    def speak(self) -> None:
        """Forward on new connections; the silenced ones stay silent, as after a lost route."""
        self._call(lambda: setattr(self, "_silent", False))

    def _call(self, change: Callable[[], object]) -> None:
        async def run() -> None:
            change()

        self._do(run())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_SECONDS)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # closes the aborted transports

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        self._open.add(writer)
        if self._silent:
            self._deaf.add(writer)
        try:
            far_reader, far_writer = await self._connect()
            try:
                await asyncio.gather(
                    self._pump(reader, far_writer, writer), self._pump(far_reader, writer, writer)
                )
            finally:
                far_writer.transport.abort()
        except (OSError, asyncio.CancelledError):
            return
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._target
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
    ) -> None:
        with suppress(ConnectionError):
            while data := await source.read(_CHUNK):
                if client in self._deaf:
                    self.swallowed.set()
                    continue
                sink.write(data)
                await sink.drain()
        # A silenced client does not learn either that the server has closed the connection.
        if client not in self._deaf:
            sink.close()
