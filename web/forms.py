"""Reads small forms in a handler's thread."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

import anyio.from_thread
from starlette.requests import Request

from operations.errors import UsageError

_MOST_BYTES = 100_000
_MOST_FIELDS = 1_000


def read_form(request: Request) -> Mapping[str, str]:
    """Read a form without files; of a field that is given twice the last one counts.

    Raises:
        UsageError: it is too long, or not a form.
    """
    return anyio.from_thread.run(_read, request)


async def _read(request: Request) -> Mapping[str, str]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            raise UsageError("The form is too long")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise UsageError("This is no form") from None
