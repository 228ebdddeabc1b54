"""Sends a reply, or lets its delivery fail: delayed, reset, cut short or replaced."""

import asyncio
import socket
import struct
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from uuid import uuid4

from starlette.types import Send

from simulator.access import UNAUTHORISED
from simulator.calls import Call
from simulator.faults import Fault
from simulator.replies import Reply, gateway_reply, html_reply, refusal_reply
from simulator.switches import Switches

TRACKING_HEADER = b"x-cap-requestid"
# With a linger of zero, the kernel closes the connection with a reset.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
BLANKS = b" " * 65_536
SILENT = frozenset({"timeout_after_commit", "reset_before", "reset_after_commit"})


def tracking_ids() -> Iterator[bytes]:
    """Endless unique values for `X-Cap-Requestid`, different in every run."""
    run = uuid4().hex[:12]
    return (f"sim-{run}-{number}".encode() for number in count(1))


PAGES = {
    "500_html": html_reply(500, "Internal Server Error"),
    "502_html": html_reply(502, "Bad Gateway"),
    "503": Reply(503, b"authorization status unavailable", b"text/plain"),
    "401": gateway_reply(UNAUTHORISED),
    "empty_200": Reply(200, b""),
}


def early_reply(fault: Fault, switches: Switches, *, single: bool) -> Reply | None:
    """The reply of a fault that prevents processing; None for other faults."""
    if fault.kind in {"521", "code"}:
        return refusal_reply(fault.status, switches, single=single)
    if fault.kind == "429":
        return _too_many(fault.retry_after_seconds)
    return PAGES.get(fault.kind)


def _too_many(retry_after_seconds: int | None) -> Reply:
    reply = html_reply(429, "Too Many Requests")
    if retry_after_seconds is None:
        return reply
    return replace(reply, headers=((b"retry-after", str(retry_after_seconds).encode()),))


def http_status_sent(reply: Reply, fault: Fault | None) -> int:
    """The HTTP status that the caller sees; 0 when it gets no reply."""
    if fault is None:
        return reply.http_status
    if fault.kind in SILENT:
        return 0
    return 504 if fault.kind == "504_html_after_commit" else reply.http_status


class Delivery:
    """Sends replies to callers; `closing` releases the delayed ones when the server stops."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()
        self._tracking_ids = tracking_ids()

    async def deliver(
        self, call: Call, send: Send, reply: Reply, fault: Fault | None, hold: float
    ) -> None:
        """Send the reply as far as the fault allows; `hold` is the delay in seconds."""
        match fault.kind if fault else None:
            case "timeout_after_commit":
                await self._hold(call, hold)
                await _drop(call)
            case "reset_before" | "reset_after_commit":
                await _reset(call)
            case "504_html_after_commit":
                await self._send(send, html_reply(504, "Gateway Time-out"))
            case "truncated_json_after_commit":
                await self._send(send, reply, len(reply.body) // 2)
                await _drop(call)
            case _:
                await self._send(send, reply)

    async def _send(self, send: Send, reply: Reply, cut_at: int | None = None) -> None:
        headers = [
            (b"content-type", reply.content_type),
            (b"content-length", str(len(reply.body) + reply.padding).encode()),
            (TRACKING_HEADER, next(self._tracking_ids)),
            *reply.headers,
        ]
        await send({"type": "http.response.start", "status": reply.http_status, "headers": headers})
        unfinished = cut_at is not None or reply.padding > 0
        await send(
            {"type": "http.response.body", "body": reply.body[:cut_at], "more_body": unfinished}
        )
        for left in range(reply.padding, 0, -len(BLANKS)):
            blanks = BLANKS[:left]
            await send(
                {"type": "http.response.body", "body": blanks, "more_body": left > len(blanks)}
            )

    async def _hold(self, call: Call, seconds: float) -> None:
        waits = {asyncio.ensure_future(call.receive()), asyncio.ensure_future(self.closing.wait())}
        _, pending = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()


async def _drop(call: Call) -> None:
    if call.transport is None:
        raise ConnectionAbortedError("the simulator dropped the connection")
    call.transport.close()
    await call.receive()


async def _reset(call: Call) -> None:
    if call.transport is None:
        raise ConnectionResetError("the simulator reset the connection")
    call.transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE
    )
    call.transport.abort()
    await call.receive()
