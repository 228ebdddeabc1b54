"""The stub's ceiling: how many calls a second it answers at once to the cheapest client there is.

`python -m benchmarks.ceiling HOST:PORT PATH SECONDS` prints calls a second.
"""

import asyncio
import os
import sys
import time

from benchmarks.cores import WORKER_CORES, python, run_to_end
from benchmarks.load import Task, bodies
from benchmarks.servers import Stub

_CONNECTIONS = 50


def ceiling(stub: Stub, task: Task, seconds: float) -> float:
    """Measure it, with the client on the worker's core."""
    stub.reset(0)
    command = python("benchmarks.ceiling", stub.url.rpartition("/")[2], task.path, str(seconds))
    return float(
        run_to_end(command, cores=WORKER_CORES, environment=os.environ | task.environment())
    )


class _Caller(asyncio.Protocol):
    """Sends the next call when the answer to the last one is there."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count the answer: each comes in one piece."""
        self.answered += data.count(b"HTTP/1.1 200")
        self._transport.write(self._request)


async def _press(address: str, path: str, seconds: float) -> float:
    host, _, port = address.partition(":")
    body = next(bodies(Task.read().variant, 1)).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    request = head.encode() + b"\r\n" + body
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: _Caller(request), host, int(port))
        for _ in range(_CONNECTIONS)
    ]
    began, before = time.monotonic(), sum(caller.answered for _, caller in opened)
    await asyncio.sleep(seconds)
    made = sum(caller.answered for _, caller in opened) - before
    return made / (time.monotonic() - began)


if __name__ == "__main__":
    print(asyncio.run(_press(sys.argv[1], sys.argv[2], float(sys.argv[3]))))
