"""Sends a reply, or fails as a fault describes."""

import json
import socket
import struct
from collections.abc import Callable

from aiohttp import web

from tests.hostile.answers import Json, of_gateway, page, refused
from tests.hostile.behaviour import Fault

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_CUT_SHARE = 0.6
ELSEWHERE = "https://elsewhere.invalid/login?till=demo.till"


def deliver(
    request: web.Request, fault: Fault | None, body: Callable[[], Json], *, single: bool = False
) -> web.Response:
    """Reply to a call.

    Args:
        request: the call.
        fault: the failure; None for a plain reply.
        body: returns the body of the plain reply.
        single: whether a refusal has the single endpoint's shape.
    """
    match fault:
        case None | Fault(kind="plain"):
            return web.json_response(body())
        case Fault(kind="reset" | "close"):
            return _hang_up(request, reset=fault.kind == "reset")
        case Fault(kind="cut"):
            return _cut(body())
    return _refuse(fault, single=single)


def _hang_up(request: web.Request, *, reset: bool) -> web.Response:
    transport = request.transport
    if transport is not None and reset:
        link = transport.get_extra_info("socket")
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    elif transport is not None:
        transport.close()
    return web.Response()  # aiohttp needs a response, but never sends it


def _cut(body: Json) -> web.Response:
    """Return a complete HTTP response whose JSON is cut off."""
    text = json.dumps(body)
    cut = text[: int(len(text) * _CUT_SHARE)]
    return web.Response(text=cut, content_type="application/json")


def _refuse(fault: Fault, *, single: bool) -> web.Response:
    status = fault.http_status
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    match fault.kind:
        case "html":
            text = page(status)
            return web.Response(status=status, text=text, content_type="text/html", headers=headers)
        case "empty":
            return web.Response(status=status, headers=headers)
        case "redirect":
            return web.Response(status=status, headers={**headers, "Location": ELSEWHERE})
        case "gateway":
            return web.json_response(of_gateway(status), status=status, headers=headers)
        case "readable" if fault.code is not None:
            body = refused(fault.code, single=single)
            return web.json_response(body, status=status, headers=headers)
    raise ValueError(f"no such fault: {fault}")
