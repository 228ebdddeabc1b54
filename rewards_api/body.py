"""Reading an answer's body, with a size limit before and after decompression."""

import zlib
from functools import partial
from typing import cast

import httpx

from rewards_api.wrapping import holds_an_answer, unwrap

MAX_BODY_BYTES = 2 * 1024 * 1024
"""Largest decoded body that is read; the documented answers are below 100 KiB."""

_GZIP = b"\x1f\x8b"
# zlib detects gzip's or zlib's header by itself.
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_HEADLESS = -zlib.MAX_WBITS
_PLAIN = frozenset({"", "identity"})
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
_MOST_LAYERS, _MOST_MEMBERS = 2, 100


class OversizeError(Exception):
    """The body is larger than the limit."""


class EncodingError(Exception):
    """The body's content encoding is unknown, damaged or truncated."""


async def read_body(
    response: httpx.Response, max_bytes: int = MAX_BODY_BYTES, *, arrived: bytearray | None = None
) -> bytes:
    """Read and decompress a streamed body; memory stays within about twice `max_bytes`.

    httpx's own decoders are not used: they decompress a whole network chunk at once, and several
    encodings in a row, so a few kilobytes could fill the memory.

    Args:
        response: with its head.
        max_bytes: of the body, compressed and decompressed.
        arrived: receives the bytes as they arrive, for `rescue_body` after an exception.

    Raises:
        OversizeError: more than `max_bytes`, compressed or decompressed.
        EncodingError: the encoding is not gzip or deflate, or the compressed bytes are damaged.
        Exception: any error of the transport.
    """
    packed = bytearray() if arrived is None else arrived
    # Not `aiter_raw`: its accounting costs as much as the reading itself.
    stream = cast("httpx.AsyncByteStream", response.stream)
    async for chunk in stream:
        packed += chunk
        if len(packed) > max_bytes:
            raise OversizeError
    return _read(response, packed, max_bytes)


def rescue_body(response: httpx.Response, arrived: bytearray) -> bytes | None:
    """Return a body that is whole although its end never came, or None.

    A `Content-Length` that is too large, a missing last chunk and a reset after the last byte do
    not change what an answer says: a JSON object that has ended cannot continue.
    """
    if len(arrived) > MAX_BODY_BYTES:
        return None
    try:
        body = _read(response, arrived, MAX_BODY_BYTES)
    except (OversizeError, EncodingError):
        return None
    return body if holds_an_answer(body) else None


def _read(response: httpx.Response, packed: bytearray, max_bytes: int) -> bytes:
    headers = response.headers
    body = _unpack(bytes(packed), headers.get("content-encoding", ""), max_bytes)
    return unwrap(body, partial(headers.get, "content-type"))


def _unpack(packed: bytes, encoding: str, max_bytes: int) -> bytes:
    """Decompress what is compressed; the header counts only where the bytes do not show it."""
    encoding = encoding.strip().lower()
    if not packed:
        return packed
    if packed.startswith(_GZIP):
        return _unpack_layers(packed, max_bytes)
    if encoding in _PLAIN or holds_an_answer(unwrap(packed, lambda: None)):
        return packed
    if encoding == "deflate":
        return _inflate_any(packed, max_bytes)
    # Requests ask for no encoding, so anything else comes from a faulty proxy.
    message = "damaged compressed body" if encoding in _PACKED else "unknown content encoding"
    raise EncodingError(message)


def _unpack_layers(packed: bytes, max_bytes: int) -> bytes:
    for _ in range(_MOST_LAYERS):
        packed = _unpack_members(packed, max_bytes)
        if not packed.startswith(_GZIP):
            return packed
    raise EncodingError("body compressed too often")


def _unpack_members(packed: bytes, max_bytes: int) -> bytes:
    """Decompress gzip members in a row; padding after them is ignored."""
    body = b""
    for _ in range(_MOST_MEMBERS):
        part, packed = _inflate(packed, max_bytes - len(body), _GZIP_OR_ZLIB)
        body += part
        if not packed.startswith(_GZIP):
            return body
    raise EncodingError("damaged compressed body")


def _inflate_any(packed: bytes, max_bytes: int) -> bytes:
    """Decompress `deflate`, which some servers send without zlib's header."""
    try:
        return _inflate(packed, max_bytes, _GZIP_OR_ZLIB)[0]
    except EncodingError:
        return _inflate(packed, max_bytes, _HEADLESS)[0]


def _inflate(packed: bytes, max_bytes: int, window_bits: int) -> tuple[bytes, bytes]:
    """Return the decompressed bytes, and what follows them."""
    unpacker = zlib.decompressobj(window_bits)
    try:
        body = unpacker.decompress(packed, max_bytes + 1)
    except zlib.error:
        raise EncodingError("damaged compressed body") from None
    if len(body) > max_bytes:
        raise OversizeError
    if not unpacker.eof:
        raise EncodingError("truncated compressed body")
    return body, unpacker.unused_data
