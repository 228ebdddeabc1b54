"""The calls of all peers; clients are created once and kept."""

import threading

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from benchmarks.load import AUTH, HEADERS, Task

_TIMEOUT_SECONDS = 30.0
_local = threading.local()
_context = httpx.create_ssl_context()


def post_with_httpx(task: Task, body: str) -> None:
    """Call in a thread with its own client; a shared one is much slower (httpcore's pool)."""
    client = getattr(_local, "client", None)
    if client is None:
        client = httpx.Client(
            base_url=task.api_url,
            auth=AUTH,
            headers=HEADERS,
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
            verify=_context,
        )
        _local.client = client
    response = client.post(task.path, content=body.encode())
    response.raise_for_status()
    response.json()


def open_async(task: Task) -> httpx.AsyncClient:
    """An asynchronous client on aiohttp's connections, like this system's."""
    return httpx.AsyncClient(
        base_url=task.api_url,
        auth=AUTH,
        headers=HEADERS,
        timeout=_TIMEOUT_SECONDS,
        trust_env=False,
        transport=AiohttpTransport(
            client=lambda: aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=task.in_flight + 10)
            )
        ),
    )


async def post(client: httpx.AsyncClient, task: Task, body: str) -> None:
    """Call on an event loop."""
    response = await client.post(task.path, content=body.encode())
    response.raise_for_status()
    response.json()
