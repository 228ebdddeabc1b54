"""Run the stub on a free loopback port until SIGTERM, or until its standard input ends."""

import asyncio
import logging
import os
import signal
import sys
from contextlib import suppress

from aiohttp import web

from tests.hostile.api import Api

_HOST = "127.0.0.1"
_BACKLOG = 1_024
_STOP_SECONDS = 0.5
_SOME_BYTES = 1_024


async def serve() -> None:
    """Print the URL, then serve."""
    app, stop = web.Application(), asyncio.Event()
    app.add_routes(Api().routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_SECONDS)
    await runner.setup()
    site = web.TCPSite(runner, _HOST, 0, backlog=_BACKLOG)
    await site.start()
    _stop_on_signal(stop)
    host, port = runner.addresses[0]
    sys.stdout.write(f"http://{host}:{port}\n")
    sys.stdout.flush()
    await stop.wait()
    await runner.cleanup()


def _stop_on_signal(stop: asyncio.Event) -> None:
    """Stop on SIGTERM, and when the parent's death closes standard input."""
    loop, stdin = asyncio.get_running_loop(), sys.stdin.fileno()

    def on_input() -> None:
        if not os.read(stdin, _SOME_BYTES):
            loop.remove_reader(stdin)
            stop.set()

    loop.add_signal_handler(signal.SIGTERM, stop.set)
    with suppress(PermissionError):  # a file or /dev/null cannot be watched
        loop.add_reader(stdin, on_input)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(serve())
