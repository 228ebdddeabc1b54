"""Reading an answer's body, with a size limit before and after decompression."""

import zlib
from collections.abc import Callable
from typing import cast

import httpx

MAX_BODY_BYTES = 2 * 1024 * 1024
"""Largest decoded body that is read; the documented answers are below 100 KiB."""

# zlib detects gzip's or zlib's header by itself.
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


class OversizeError(Exception):
    """The body is larger than the limit."""


class EncodingError(Exception):
    """The body's content encoding is unknown, damaged or truncated."""


async def read_body(response: httpx.Response, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Read and decompress a streamed body; memory stays within about twice `max_bytes`.

    httpx's own decoders are not used: they decompress a whole network chunk at once, and several
    encodings in a row, so a few kilobytes could fill the memory.

    Raises:
        OversizeError: more than `max_bytes`, compressed or decompressed.
        EncodingError: the encoding is not gzip or deflate, or the compressed bytes are damaged.
        Exception: any error of the transport.
    """
    packed = bytearray()
    # Not `aiter_raw`: its accounting costs as much as the reading itself.
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
            # Requests ask for no encoding, so anything else comes from a faulty proxy.
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
        raise EncodingError("truncated compressed body")
    return body
