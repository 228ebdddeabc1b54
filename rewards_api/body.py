"""Reading an answer's body to its end, within a bound that also holds for what it unpacks to."""

import zlib
from collections.abc import Callable
from typing import cast

import httpx

MAX_BODY_BYTES = 2 * 1024 * 1024
"""Decoded bytes of the largest body that is read; the documented answers are below 100 KiB."""

# zlib finds out by itself whether the bytes are in gzip's or in zlib's frame.
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


class OversizeError(Exception):
    """The body is larger than the bound."""


class EncodingError(Exception):
    """The body's content encoding is unknown, damaged or cut short."""


async def read_body(response: httpx.Response, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Read a streamed response's body, unpacked; memory stays within about twice `max_bytes`.

    httpx's own decoders unpack a whole network chunk at once, and several encodings on top of each
    other, so a few kilobytes could fill the memory: they are not used.

    Raises:
        OversizeError: more than `max_bytes`, packed or unpacked.
        EncodingError: the encoding is not gzip or deflate, or the packed bytes are damaged.
        Exception: whatever the transport raises.
    """
    packed = bytearray()
    # Not `aiter_raw`, whose accounting of what was read costs as much as the reading.
    stream = cast("httpx.AsyncByteStream", response.stream)
    async for chunk in stream:
        packed += chunk
        if len(packed) > max_bytes:
            raise OversizeError
    return _unpacker(response.headers.get("content-encoding", ""))(packed, max_bytes)


def _unpacker(encoding: str) -> Callable[[bytearray, int], bytes]:
    match encoding.strip().lower():
        case "" | "identity":
            return _take
        case "gzip" | "x-gzip" | "deflate":
            return _unpack
        case _:
            # We ask for no encoding at all, so anything else is a fault of something on the way.
            raise EncodingError("unknown content encoding")


def _take(packed: bytearray, _max_bytes: int) -> bytes:
    return bytes(packed)


def _unpack(packed: bytearray, max_bytes: int) -> bytes:
    if not packed:
        return b""
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        body = unpacker.decompress(packed, max_bytes + 1)
    except zlib.error:
        raise EncodingError("damaged compressed body") from None
    if len(body) > max_bytes:
        raise OversizeError
    if not unpacker.eof:
        raise EncodingError("compressed body cut short")
    return body
