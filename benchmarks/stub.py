"""A stub of the rewards API: issues every call after a fixed time, at almost no CPU cost.

`python -m benchmarks.stub` listens on a free loopback port and prints it. `POST
/reset?MILLISECONDS` forgets all calls and sets the response time. `GET /stats` returns the number
of calls answered and of their requestIds, and the time of the last answer (seconds of the
machine's monotonic clock). `POST /watch?MILLISECONDS` also starts a log of arrivals, which `GET
/arrivals` returns: the time of each call, its first requestId and its first rewardId.
"""

import asyncio
import json
import re
import sys
import time

_REQUEST_ID = re.compile(rb'"requestId":\s*"([^"]+)"')
_REWARD_ID = re.compile(rb'"rewardId":\s*(\d+)')
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_END = b"\r\n\r\n"
_OK = b'{"code":200,"message":"Reward issued successfully","success":true}'


class Calls:
    """The calls answered, and the response time."""

    def __init__(self) -> None:
        self.reset(0.0)

    def reset(self, answer_seconds: float) -> None:
        """Forget all calls."""
        self.answer_seconds = answer_seconds
        self.answered = 0
        self.last_at = 0.0
        self.request_ids: set[bytes] = set()
        self.log: list[tuple[float, bytes]] | None = None

    def watch(self, answer_seconds: float) -> None:
        """Forget all calls and log each arrival; a race needs no log and does not pay for one."""
        self.reset(answer_seconds)
        self.log = []

    def stats(self) -> bytes:
        """The counts as JSON."""
        counts = {
            "answered": self.answered,
            "request_ids": len(self.request_ids),
            "last_at": self.last_at,
        }
        return json.dumps(counts | {"arrived": len(self.log or ())}).encode()

    def arrivals(self) -> bytes:
        """The log as JSON."""
        log = self.log or []
        bodies = [body for _, body in log]
        found = {
            "at": [at for at, _ in log],
            "request_ids": [_REQUEST_ID.findall(body)[0].decode() for body in bodies],
            "reward_ids": [int(_REWARD_ID.findall(body)[0]) for body in bodies],
        }
        return json.dumps(found).encode()


class StubProtocol(asyncio.Protocol):
    """One connection, with one request after the other.

    Args:
        calls: shared by all connections.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for answers."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every complete request."""
        self._buffer += data
        while (end := self._buffer.find(_END)) >= 0:
            head = self._buffer[:end]
            length = _LENGTH.search(head)
            total = end + len(_END) + (int(length[1]) if length else 0)
            if len(self._buffer) < total:
                return
            body, self._buffer = self._buffer[end + len(_END) : total], self._buffer[total:]
            self._respond(head, body)

    def _respond(self, head: bytes, body: bytes) -> None:
        path = head[: head.find(b"\r\n")].split(b" ")[1]
        if path.startswith(b"/stats"):
            self._send(self._calls.stats())
        elif path.startswith(b"/reset"):
            self._calls.reset(float(path.partition(b"?")[2] or 0) / 1000)
            self._send(b"{}")
        elif path.startswith(b"/watch"):
            self._calls.watch(float(path.partition(b"?")[2] or 0) / 1000)
            self._send(b"{}")
        elif path.startswith(b"/arrivals"):
            self._send(self._calls.arrivals())
        else:
            if self._calls.log is not None:
                self._calls.log.append((time.monotonic(), body))
            asyncio.get_running_loop().call_later(
                self._calls.answer_seconds, self._issue, path, body
            )

    def _issue(self, path: bytes, body: bytes) -> None:
        request_ids = _REQUEST_ID.findall(body)
        if self._transport.is_closing():
            return
        self._send(
            bulk_answer(request_ids, body)
            if b"/rewards/issue" in path
            else single_answer(request_ids[0])
        )
        self._calls.answered += 1
        self._calls.last_at = time.monotonic()
        self._calls.request_ids.update(request_ids)

    def _send(self, body: bytes) -> None:
        head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-cap-requestid: bench\r\n"
            b"Content-Length: %d\r\n\r\n"
        )
        self._transport.write(head % len(body) + body)


def single_answer(request_id: bytes) -> bytes:
    """An answer of the single endpoint (rewards-api §4.3)."""
    return (
        b'{"status":%b,"intouch":{"couponCode":"C%b","pointsRedeemed":"10"},"promotion":null,'
        b'"vendor":null,"requestId":"%b","transactionId":7001}' % (_OK, request_id[:8], request_id)
    )


def bulk_answer(request_ids: list[bytes], body: bytes) -> bytes:
    """An answer of the bulk endpoint (rewards-api §4.2) with every line issued."""
    entry = (
        b'{"status":%b,"rewardId":%b,"transactionId":7001,"requestedQuantity":1,"quantity":1,'
        b'"pointsReferenceId":null,"pointsReferenceIds":[],"intouch":[{"couponCode":"C%b",'
        b'"pointsRedeemed":"10"}],"promotions":[],"vendor":[],"restrictions":null,'
        b'"requestId":"%b"}'
    )
    rewards = _REWARD_ID.findall(body)
    entries = [
        entry % (_OK, reward, key[:8], key)
        for key, reward in zip(request_ids, rewards, strict=True)
    ]
    return b'{"status":%b,"rewards":[%b]}' % (_OK, b",".join(entries))


async def serve() -> None:
    """Listen until killed."""
    calls = Calls()
    server = await asyncio.get_running_loop().create_server(
        lambda: StubProtocol(calls), "127.0.0.1", 0, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    sys.exit(asyncio.run(serve()))
