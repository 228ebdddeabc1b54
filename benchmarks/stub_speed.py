"""The stub's capacity: calls per second that it answers to the cheapest possible client.

`python -m benchmarks.stub_speed HOST:PORT PATH SECONDS` prints calls per second.
"""

import asyncio
import os
import sys
import time

from benchmarks.cores import WORKER_CORES, python, run_to_end
from benchmarks.load import Task, bodies
from benchmarks.servers import Stub

_CONNECTIONS = 50


def stub_speed(stub: Stub, task: Task, seconds: float) -> float:
    """Measure it with a client on the worker's core."""
    stub.reset(0)
    command = python("benchmarks.stub_speed", stub.url.rpartition("/")[2], task.path, str(seconds))
    return float(
        run_to_end(command, cores=WORKER_CORES, environment=os.environ | task.environment())
    )


class _Caller(asyncio.Protocol):
    """Sends a call as soon as the previous one is answered."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first call."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Count the answer, which arrives in one piece, and send the next call."""
        self.answered += data.count(b"HTTP/1.1 200")
        self._transport.write(self._request)


async def _load(address: str, path: str, seconds: float) -> float:
    host, _, port = address.partition(":")
    body = next(bodies(Task.read().variant, 1)).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body
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
    print(asyncio.run(_load(sys.argv[1], sys.argv[2], float(sys.argv[3]))))
