"""Every missing answer is a value that says whether the request may have been sent."""

import asyncio
import gzip
import socket

import pytest

from issuance.endpoint import Variant
from issuance.replies.reply import Answer, NoAnswer

BODY = b'{"mobile":"919800000001","brand":"DEMO"}'


async def issue(client):
    return await client.issue(Variant.BULK, BODY)


async def test_a_refused_connection_was_not_sent(connect):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: no other process can get the port
        reply = await issue(connect(f"http://127.0.0.1:{taken.getsockname()[1]}"))
    assert (reply.kind, reply.sent) == ("connect", False)
    assert "ECONNREFUSED" in reply.detail


async def test_a_host_without_an_address_was_not_called(connect):
    reply = await issue(connect("http://rewards.invalid"))
    assert (reply.kind, reply.sent) == ("connect", False)


async def test_a_port_that_never_completes_a_connection_was_not_sent_and_fails_early(
    connect,
):
    # A listener with a full backlog does not answer new connections.
    with socket.socket() as full, socket.socket() as filler, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for client in (filler, second):
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        started = asyncio.get_running_loop().time()
        reply = await issue(
            connect(
                f"http://127.0.0.1:{full.getsockname()[1]}",
                connect_timeout_seconds=0.2,
                timeout_seconds=10,
            )
        )
        assert (reply.kind, reply.sent) == ("connect", False)
        assert asyncio.get_running_loop().time() - started < 5


async def test_a_connect_timeout_beyond_the_total_time_still_says_that_nothing_was_sent(connect):
    with socket.socket() as full, socket.socket() as filler, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for client in (filler, second):
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        reply = await issue(
            connect(
                f"http://127.0.0.1:{full.getsockname()[1]}",
                connect_timeout_seconds=5,
                timeout_seconds=0.5,
            )
        )
        assert (reply.kind, reply.sent) == ("connect", False)


async def test_a_tls_handshake_that_never_ends_was_not_sent(serve, connect, answer):
    server = await serve(answer())  # waits for a request, so it never answers the handshake
    reply = await issue(
        connect(server.url.replace("http://", "https://"), connect_timeout_seconds=0.2)
    )
    assert (reply.kind, reply.sent) == ("connect", False)


async def test_a_server_that_does_not_speak_tls_was_not_sent_anything(connect):
    async def refuse(_reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        reply = await issue(connect(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    assert (reply.kind, reply.sent) == ("connect", False)


async def test_a_call_that_finds_no_free_connection_in_time_was_not_sent(serve, connect):
    async def reply(_request, _writer):
        await asyncio.Event().wait()

    server = await serve(reply)
    client = connect(server.url, max_concurrent=1, connect_timeout_seconds=0.2, timeout_seconds=1)
    replies = await asyncio.gather(*(issue(client) for _ in range(20)))
    unsent = [reply for reply in replies if not reply.sent]
    assert {reply.kind for reply in unsent} == {"connect"}
    assert len(unsent) == 20 - len(server.requests) > 0


async def test_a_reset_before_the_reply_is_in_doubt(serve, connect, reset):
    async def reply(_request, writer):
        reset(writer)

    server = await serve(reply)
    got = await issue(connect(server.url))
    assert (got.kind, got.sent) == ("reset", True)
    assert server.bodies() == [BODY]


async def test_a_close_before_the_reply_is_in_doubt_and_the_call_is_not_repeated(serve, connect):
    async def reply(_request, writer):
        writer.close()

    server = await serve(reply)
    got = await issue(connect(server.url))
    assert (got.kind, got.sent) == ("reset", True)
    assert len(server.requests) == 1


async def test_a_reused_connection_that_is_closed_on_the_second_call_is_in_doubt(
    serve, connect, answer
):
    async def reply(_request, writer):
        if len(server.requests) == 1:
            writer.write(answer())
        else:
            writer.close()

    server = await serve(reply)
    client = connect(server.url)
    assert await issue(client) == Answer(200, b"{}")
    got = await issue(client)
    assert (got.kind, got.sent) == ("reset", True)
    assert (server.connections, len(server.requests)) == (1, 2)


@pytest.mark.parametrize(
    "part",
    [
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"status"',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
    ids=["in the head", "in the body", "in a chunk"],
)
async def test_half_a_reply_is_in_doubt(serve, connect, part):
    async def reply(_request, writer):
        writer.write(part)
        await writer.drain()
        writer.close()

    got = await issue(connect((await serve(reply)).url))
    assert (got.kind, got.sent) == ("reset", True)


@pytest.mark.parametrize(
    "reply",
    [
        b"what is this\r\n\r\n",
        b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=[
        "no http",
        "status line",
        "header",
        "length",
        "damaged gzip",
        "packed twice",
        "unknown packing",
    ],
)
async def test_a_malformed_reply_is_in_doubt(serve, connect, reply):
    got = await issue(connect((await serve(reply)).url))
    assert (got.kind, got.sent) == ("protocol", True)


async def test_bad_chunking_is_in_doubt(serve, connect):
    server = await serve(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n")
    got = await issue(connect(server.url))
    assert isinstance(got, NoAnswer)
    assert got.sent


async def test_a_gzip_body_that_is_cut_short_is_in_doubt(serve, connect, answer):
    server = await serve(
        answer("200 OK", gzip.compress(b"a" * 1000)[:-10], "Content-Encoding: gzip")
    )
    got = await issue(connect(server.url))
    assert (got.kind, got.sent) == ("protocol", True)


async def test_a_hanging_server_holds_a_call_no_longer_than_its_time(serve, connect):
    async def reply(_request, _writer):
        await asyncio.Event().wait()

    server = await serve(reply)
    started = asyncio.get_running_loop().time()
    got = await issue(connect(server.url, timeout_seconds=0.3))
    assert (got.kind, got.sent) == ("timeout", True)
    assert 0.25 < asyncio.get_running_loop().time() - started < 3


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"], ids=["head", "body"]
)
async def test_a_dripping_server_holds_a_call_no_longer_than_its_time(serve, connect, head):
    async def reply(_request, writer):
        writer.write(head or b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(0.02)

    server = await serve(reply)
    started = asyncio.get_running_loop().time()
    got = await issue(connect(server.url, timeout_seconds=0.4))
    assert (got.kind, got.sent) == ("timeout", True)
    assert asyncio.get_running_loop().time() - started < 3


async def test_a_huge_body_is_not_read_to_its_end(serve, connect):
    written = 0

    async def reply(_request, writer):
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n")
        while written < 52_428_800:
            writer.write(b"a" * 65_536)
            await writer.drain()
            written += 65_536

    got = await issue(connect((await serve(reply)).url))
    assert (got.kind, got.sent) == ("oversize", True)
    assert written < 20_000_000


async def test_a_gzip_bomb_is_not_decompressed(serve, connect, answer):
    bomb = gzip.compress(b"\0" * 32_000_000)
    server = await serve(answer("200 OK", bomb, "Content-Encoding: gzip"))
    got = await issue(connect(server.url))
    assert (got.kind, got.sent) == ("oversize", True)


async def test_a_cancelled_call_ends_at_once_and_hangs_up(serve, connect):
    hung_up = asyncio.Event()

    async def reply(_request, _writer):
        await server.reader.read()  # ends when the client hangs up
        hung_up.set()

    server = await serve(reply)
    call = asyncio.create_task(issue(connect(server.url)))
    await server.received.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.wait_for(hung_up.wait(), 5)


async def test_a_client_works_again_after_a_failed_call(serve, connect, answer, reset):
    async def reply(_request, writer):
        if len(server.requests) == 1:
            reset(writer)
        else:
            writer.write(answer())

    server = await serve(reply)
    client = connect(server.url)
    assert (await issue(client)).kind == "reset"
    assert await issue(client) == Answer(200, b"{}")


async def test_a_closed_client_returns_a_value_too(serve, connect, answer):
    server = await serve(answer())
    async with connect(server.url) as client:
        assert await issue(client) == Answer(200, b"{}")
    assert isinstance(await issue(client), NoAnswer)


async def test_details_show_neither_secrets_nor_customers(serve, connect, reset):
    async def reply(_request, writer):
        reset(writer)

    server = await serve(reply)
    client = connect(server.url, till="the.till")
    read = await client.transaction_detail("919800000001", "300101")
    shown = repr([await issue(client), read])
    assert all(
        text not in shown for text in ("919800000001", "the.till", "300101", "Basic", "127.0.0.1")
    )
