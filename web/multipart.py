"""Reads a form with files piece by piece, in a handler's thread; memory keeps none of it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import anyio.from_thread
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from operations.errors import UsageError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_NO_FORM = "This is no form with a file"
_CUT = "The upload ended in the middle: send the file again"


class Begin(NamedTuple):
    """A field begins."""

    field: str
    file_name: str
    """"" for a field without a file."""


Event = Begin | bytes


def read_parts(request: Request) -> Iterator[Event]:
    """Read a form: each field's beginning, then the pieces of its content.

    Raises:
        UsageError: it is no such form, or it ends in the middle.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise UsageError(_NO_FORM)
    parts = _Parts()
    parser = MultipartParser(boundary, parts.callbacks())
    pieces = request.stream()
    try:
        while (piece := anyio.from_thread.run(anext, pieces, None)) is not None:
            if piece:
                parser.write(piece)
                yield from parts.take()
        parser.finalize()
    except FormParserError:
        raise UsageError(_NO_FORM) from None
    except ClientDisconnect:
        raise UsageError(_CUT) from None
    if not parts.has_ended:
        raise UsageError(_CUT)


class _Parts:
    """Collects what the parser reports about one piece of the request."""

    def __init__(self) -> None:
        self.has_ended = False
        self._events: list[Event] = []
        self._name = self._value = b""
        self._headers: dict[bytes, bytes] = {}

    def callbacks(self) -> "MultipartCallbacks":
        """Return the functions that the parser calls."""
        return {
            "on_part_begin": self._headers.clear,
            "on_header_field": self._on_name,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_headers_finished": self._on_headers,
            "on_part_data": lambda data, start, end: self._events.append(data[start:end]),
            "on_end": self._on_end,
        }

    def take(self) -> list[Event]:
        """Return what was reported since the last call."""
        taken, self._events = self._events, []
        return taken

    def _on_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        name, file_name = (
            options.get(key, b"").decode(errors="replace") for key in (b"name", b"filename")
        )
        self._events.append(Begin(name, file_name))

    def _on_end(self) -> None:
        self.has_ended = True
