"""Open pages, as browsers keep them: a stream of ticks, and the live part at each tick."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx

from benchmarks.web.system import System
from web.viewer import SESSION_COOKIE


class OpenPages:
    """Pages that stay open.

    Args:
        system: the running system.
        paths: one for each page.
    """

    def __init__(self, system: System, paths: Sequence[str]) -> None:
        self._system = system
        self._paths = paths
        self.refreshed = 0
        """Live parts that were received."""

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Keep the pages open in the `with`."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        opened = asyncio.run_coroutine_threadsafe(self._open_all(), loop)
        try:
            yield
        finally:
            opened.cancel()
            asyncio.run_coroutine_threadsafe(_ended(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    async def _open_all(self) -> None:
        async with httpx.AsyncClient(
            base_url=self._system.url,
            cookies={SESSION_COOKIE: self._system.token},
            limits=httpx.Limits(max_connections=None),
            timeout=60,
            trust_env=False,
        ) as client:
            await asyncio.gather(*(self._open(client, path) for path in self._paths))

    async def _open(self, client: httpx.AsyncClient, path: str) -> None:
        async with client.stream("GET", "/live") as stream:
            async for line in stream.aiter_lines():
                if line == "event: tick":
                    (await client.get(f"{path}?part=live")).raise_for_status()
                    self.refreshed += 1


async def _ended() -> None:
    """Let cancelled tasks close their connections."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
