"""Server-sent events: a tick each second while the session lasts, for the live parts of pages."""

import asyncio
from collections.abc import AsyncIterator

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from operations.access.roles import Role
from web.site import Site
from web.viewer import find_open_viewer

_EVERY_SECONDS = 1.0
_LONGEST_SECONDS = 3_600
_ENDED = "event: ended\ndata: the session has ended\n\n"


async def live(request: Request) -> Response:
    """Stream ticks; the last event is `ended` if the session has ended or the roles changed.

    Without a session that is the only event: after a refusal a browser would try again and again,
    and the page would stay as it is.
    """
    site: Site = request.app.state.site
    viewer = await anyio.to_thread.run_sync(find_open_viewer, site, request)
    ticks = iter([_ENDED]) if viewer is None else _ticks(site, request, viewer.subject.roles)
    return StreamingResponse(ticks, media_type="text/event-stream")


async def _ticks(site: Site, request: Request, roles: list[Role]) -> AsyncIterator[str]:
    for number in range(int(_LONGEST_SECONDS / _EVERY_SECONDS)):
        if await request.is_disconnected():
            return
        viewer = await anyio.to_thread.run_sync(find_open_viewer, site, request)
        if viewer is None or viewer.subject.roles != roles:
            yield _ENDED
            return
        yield f"event: tick\ndata: {number}\n\n"
        await asyncio.sleep(_EVERY_SECONDS)


ROUTES = [Route("/live", live, methods=["GET"])]
