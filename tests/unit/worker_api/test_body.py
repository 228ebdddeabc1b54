"""Reading a body: its size and the memory used are limited."""

import gzip
import tracemalloc
import zlib

import httpx
import pytest

from rewards_api.body import EncodingError, OversizeError, read_body


class Chunks(httpx.AsyncByteStream):
    def __init__(self, body, size):
        self._chunks = [body[start : start + size] for start in range(0, len(body), size)]

    async def __aiter__(self):
        for chunk in self._chunks:
            yield chunk


def response(body, encoding=None, size=16_384):
    headers = {"Content-Encoding": encoding} if encoding else {}
    return httpx.Response(200, headers=headers, stream=Chunks(body, size))


@pytest.mark.parametrize("size", [0, 1, 999, 1000])
async def test_a_body_up_to_the_limit_is_read(size):
    assert await read_body(response(b"a" * size, size=7), 1000) == b"a" * size


async def test_a_body_above_the_limit_is_refused():
    with pytest.raises(OversizeError):
        await read_body(response(b"a" * 1001), 1000)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " x-gzip "])
async def test_a_gzip_body_up_to_the_limit_is_decompressed(encoding):
    assert (
        await read_body(response(gzip.compress(b"a" * 1000), encoding, size=3), 1000) == b"a" * 1000
    )


async def test_a_deflate_body_is_decompressed():
    assert await read_body(response(zlib.compress(b"abc"), "deflate"), 1000) == b"abc"


async def test_an_empty_body_declared_as_compressed_is_empty():
    assert await read_body(response(b"", "gzip"), 1000) == b""


async def test_a_gzip_body_above_the_limit_is_refused():
    with pytest.raises(OversizeError):
        await read_body(response(gzip.compress(b"a" * 1001), "gzip"), 1000)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, identity", "nonsense"])
async def test_an_encoding_that_was_not_asked_for_is_an_error(encoding):
    with pytest.raises(EncodingError, match="unknown"):
        await read_body(response(b"abc", encoding), 1000)


@pytest.mark.parametrize(
    "body",
    [b"abc", gzip.compress(b"a" * 500)[:-9], gzip.compress(b"a")[:-8] + b"12345678"],
    ids=["no gzip", "truncated", "wrong checksum"],
)
async def test_damaged_gzip_is_an_error(body):
    with pytest.raises(EncodingError):
        await read_body(response(body, "gzip"), 1000)


async def test_a_gzip_bomb_does_not_fill_the_memory():
    bomb = gzip.compress(b"\0" * 64_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(OversizeError):
            await read_body(response(bomb, "gzip"), 1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
