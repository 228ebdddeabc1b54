"""An HTTP call as the endpoints see it, read from plain ASGI messages."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope


@dataclass(slots=True)
class Call:
    """A received call; `body` is parsed JSON, or None when `raw` is empty or not JSON."""

    path: str
    parameters: dict[str, Any]
    query: dict[str, str]
    headers: dict[bytes, bytes]
    body: Any
    raw: bytes
    receive: Receive
    transport: Any

    @property
    def fields(self) -> dict[str, Any]:
        """The body's fields; empty when the body is not a JSON object."""
        return self.body if isinstance(self.body, dict) else {}


async def read_call(scope: Scope, receive: Receive) -> Call:
    """Read the whole call."""
    message = await receive()
    raw = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        raw += message.get("body", b"")
    return Call(
        scope["path"],
        scope.get("path_params", {}),
        _read_query(scope.get("query_string", b"")),
        dict(scope["headers"]),
        _read_json(raw),
        raw,
        receive,
        scope.get("extensions", {}).get("simulator.transport"),
    )


@lru_cache(maxsize=1024)
def _read_query(raw: bytes) -> dict[str, str]:
    # The documents' table and samples disagree on the case of parameter names (rewards-api §8).
    return {name.lower(): value for name, value in parse_qsl(raw.decode("latin-1"))}


def _read_json(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None
