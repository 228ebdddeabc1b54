"""What an edge puts around the API's body does not change what the answer says."""

import asyncio
import gzip
import json
import zlib

import pytest

from issuance.endpoint import Variant
from issuance.job import Line
from issuance.outcome import Kind
from issuance.replies.classification import classify
from issuance.replies.reply import Answer, NoAnswer

_STATUS = {"success": True, "code": 200, "message": "Reward issued"}
_REWARD = {
    "status": _STATUS, "transactionId": 300101, "rewardId": 1001, "requestedQuantity": 1,
    "quantity": 1, "requestId": "r-a", "intouch": [{"couponCode": "C-1"}],
}  # fmt: skip
ISSUED = json.dumps({"status": _STATUS, "rewards": [_REWARD]}).encode()
HINDI = json.dumps(
    {"status": {**_STATUS, "message": "जारी"}, "rewards": [_REWARD]}, ensure_ascii=False
)
LATIN = HINDI.replace("जारी", "délivré")
_LARGE = 64 * 1024


def _raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def _chunked(body: bytes, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    half = len(body) // 2
    parts = [
        b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in (body[:half], body[half:])
    ]
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(parts) + b"0\r\n" + trailers + b"\r\n"


def _named(count: int) -> list[str]:
    return [f"X-Small-{number}: some value" for number in range(count)]


@pytest.fixture
def issue(connect):
    async def call(url, **fields):
        client = connect(url, **fields)
        outcomes = []
        for _ in range(2):  # the second one shows that the first has left nothing behind
            reply = await client.issue(Variant.BULK, b"{}")
            outcomes.append(classify((Line("r-a", 1001),), Variant.BULK, reply, resent=False))
        return outcomes

    return call


def assert_issued(outcomes):
    assert [outcome.kind for outcome in outcomes] == [Kind.ISSUED] * 2
    assert {outcome.lines[0].vouchers for outcome in outcomes} == {("C-1",)}


HEADERS = {
    "64 KiB policy": ["Content-Security-Policy: " + "a" * _LARGE],
    "64 KiB cookie": ["Set-Cookie: session=" + "c" * (_LARGE - 8)],
    "four large fields": [f"Server-Timing-{number}: " + "t" * _LARGE for number in range(4)],
    "a long name": ["X-" + "n" * 10_000 + ": v"],
    "hundreds of small fields": _named(900),
    "hundreds of cookies": [f"Set-Cookie: c{number}=1; Secure; ;=;" for number in range(300)],
    "the wrong type": ["Content-Type: text/html; charset=utf-8"],
    "a broken type": ["Content-Type: ;;;=;"],
    "two types": ["Content-Type: text/plain", "Content-Type: application/json"],
    "an unknown charset": ["Content-Type: application/json; charset=nonsense"],
    "a wrong charset": ["Content-Type: application/json; charset=utf-16"],
    "doubled fields": ["Server: a", "Server: b", "Date: x", "Date: y", "Retry-After: z"],
    "a location": ["Location: https://elsewhere.example/"],
    "an upgrade offer": ["Upgrade: h2c", "Connection: Upgrade", 'Alt-Svc: h3=":443"'],
    "an encoding that is none": ["Content-Encoding: utf-8"],
    "an encoding that is not there": ["Content-Encoding: gzip"],
    "an empty encoding": ["Content-Encoding: "],
    "folded": ["X-Folded: a\r\n  b"],
    "bytes that are not text": ["X-Cap-Requestid: \udcff", "X-Other: \udce9"],
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
async def test_headers_that_an_edge_adds_are_read_and_ignored(serve, issue, headers):
    head = "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(ISSUED)}", *headers, "", ""])
    server = await serve(head.encode("utf-8", "surrogateescape") + ISSUED)
    assert_issued(await issue(server.url))
    assert server.connections == 1


BODIES = {
    "byte order mark": b"\xef\xbb\xbf" + ISSUED,
    "blanks around it": b"\r\n\t " + ISSUED + b" \r\n\n",
    "not ASCII": HINDI.encode(),
    "not ASCII, with blanks": b" " + HINDI.encode() + b"\n",
    "UTF-16 with mark": HINDI.encode("utf-16"),
    "UTF-16 without mark": HINDI.encode("utf-16-le"),
    "UTF-32": HINDI.encode("utf-32"),
    "guard": b")]}',\n" + ISSUED,
    "a cache's comment": ISSUED + b"\n<!-- cached 12:00 -->",
    "zero bytes at the end": ISSUED + b"\0\0",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_what_surrounds_the_json_is_ignored(serve, answer, issue, body):
    assert_issued(await issue((await serve(answer("200 OK", body))).url))


async def test_a_declared_charset_is_used_where_the_body_is_not_utf8(serve, answer, issue):
    body = LATIN.encode("latin-1")
    head = "Content-Type: application/json; charset=ISO-8859-1"
    outcomes = await issue((await serve(answer("200 OK", body, head))).url)
    assert_issued(outcomes)
    undeclared = await issue((await serve(answer("200 OK", body))).url)
    assert [outcome.kind for outcome in undeclared] == [Kind.IN_DOUBT] * 2


PACKED = {
    "gzip": ("gzip", gzip.compress(ISSUED)),
    "gzip in odd case": (" GZip ", gzip.compress(ISSUED)),
    "gzip without header": (None, gzip.compress(ISSUED)),
    "gzip called identity": ("identity, gzip", gzip.compress(ISSUED)),
    "gzip twice": ("gzip, gzip", gzip.compress(gzip.compress(ISSUED))),
    "gzip once, said twice": ("gzip, gzip", gzip.compress(ISSUED)),
    "gzip in parts": ("gzip", gzip.compress(ISSUED[:60]) + gzip.compress(ISSUED[60:])),
    "gzip with padding": ("gzip", gzip.compress(ISSUED) + b"\0\0\0"),
    "deflate": ("deflate", zlib.compress(ISSUED)),
    "deflate without its header": ("deflate", _raw_deflate(ISSUED)),
}


@pytest.mark.parametrize(("encoding", "body"), PACKED.values(), ids=PACKED)
async def test_compression_without_a_request_is_undone(serve, answer, issue, encoding, body):
    headers = [f"Content-Encoding: {encoding}"] if encoding else []
    assert_issued(await issue((await serve(answer("200 OK", body, *headers))).url))


async def test_parts_of_compression_are_limited(serve, answer, connect):
    body = gzip.compress(b"") * 1_000 + gzip.compress(ISSUED)
    client = connect((await serve(answer("200 OK", body, "Content-Encoding: gzip"))).url)
    assert isinstance(await client.issue(Variant.BULK, b"{}"), NoAnswer)


FRAMES = {
    "no reason": b"HTTP/1.1 200\r\nContent-Length: %d\r\n\r\n" % len(ISSUED) + ISSUED,
    "a long reason": b"HTTP/1.1 200 " + b"O" * 20_000
    + b"\r\nContent-Length: %d\r\n\r\n" % len(ISSUED) + ISSUED,
    "a reason that is not text": b"HTTP/1.1 200 R\xe9ussi\r\nContent-Length: %d\r\n\r\n"
    % len(ISSUED) + ISSUED,
    "names in odd case": b"HTTP/1.1 200 OK\r\ncOnTeNt-LENGTH:    %d   \r\n\r\n" % len(ISSUED)
    + ISSUED,
    "a length with zeros": b"HTTP/1.1 200 OK\r\nContent-Length: 000%d\r\n\r\n" % len(ISSUED)
    + ISSUED,
    "line feeds only": b"HTTP/1.1 200 OK\nContent-Length: %d\n\n" % len(ISSUED) + ISSUED,
    "chunked": _chunked(ISSUED),
    "chunked with extensions": _chunked(ISSUED, extension=b" ;name=value"),
    "chunked with trailers": _chunked(ISSUED, trailers=b"Server-Timing: a\r\nX-Sum: 1\r\n"),
    "chunked with many trailers": _chunked(
        ISSUED, trailers="".join(f"{line}\r\n" for line in _named(300)).encode()
    ),
    "chunked, large trailer": _chunked(ISSUED, trailers=b"X-Sum: " + b"s" * _LARGE + b"\r\n"),
    "CHUNKED": _chunked(ISSUED).replace(b"Encoding: chunked", b"ENCODING: CHUNKED"),
}  # fmt: skip


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
async def test_the_way_a_body_is_framed_does_not_matter(serve, issue, frame):
    assert_issued(await issue((await serve(frame)).url))


@pytest.mark.parametrize("code", [100, 102, 103, 104])
async def test_interim_answers_are_skipped(serve, answer, issue, code):
    interim = f"HTTP/1.1 {code} Soon\r\nLink: </a.css>; rel=preload\r\n\r\n".encode()
    assert_issued(await issue((await serve(interim * 2 + answer("200 OK", ISSUED))).url))


CUT_OFF = {
    "a length that is too large": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
    % (len(ISSUED) + 7) + ISSUED,
    "no last chunk": _chunked(ISSUED).removesuffix(b"0\r\n\r\n"),
    "no length at all": b"HTTP/1.1 200 OK\r\n\r\n" + ISSUED,
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\n" + ISSUED,
}  # fmt: skip


@pytest.mark.parametrize("frame", CUT_OFF.values(), ids=CUT_OFF)
async def test_a_body_that_is_whole_counts_although_its_end_never_comes(serve, issue, frame):
    async def reply(_request, writer):
        writer.write(frame)
        await writer.drain()
        writer.close()

    assert_issued(await issue((await serve(reply)).url))


async def test_a_whole_body_counts_when_the_connection_stays_open_too_long(serve, issue):
    frame = CUT_OFF["a length that is too large"]
    assert_issued(await issue((await serve(frame)).url, timeout_seconds=1))


@pytest.mark.parametrize("status", ["301 Moved", "403 Forbidden", "404 Not Found"])
async def test_a_status_that_speaks_for_itself_counts_although_its_page_is_cut_off(
    serve, connect, status
):
    async def reply(_request, writer):
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 5000\r\n\r\n<html>".encode())
        await writer.drain()
        writer.close()

    client = connect((await serve(reply)).url)
    assert (await client.issue(Variant.BULK, b"{}")).status == int(status[:3])


async def test_a_large_page_of_the_edge_keeps_its_status(serve, connect, answer):
    client = connect((await serve(answer("403 Forbidden", b"<p>" * 2_000_000))).url)
    assert (await client.issue(Variant.BULK, b"{}")).status == 403


async def test_a_head_beyond_every_limit_is_in_doubt_and_says_why(serve, connect):
    head = b"HTTP/1.1 200 OK\r\nX-Large: " + b"a" * 200_000 + b"\r\n\r\n"
    reply = await connect((await serve(head)).url).issue(Variant.BULK, b"{}")
    assert (reply.kind, reply.sent) == ("protocol", True)
    assert reply.detail == "ClientResponseError: a line of the head is too long"


async def test_two_answers_in_one_body_are_not_read(serve, answer, connect):
    reply = await connect((await serve(answer("200 OK", ISSUED + ISSUED))).url).issue(
        Variant.BULK, b"{}"
    )
    outcome = classify((Line("r-a", 1001),), Variant.BULK, reply, resent=False)
    assert (outcome.kind, outcome.readable) == (Kind.IN_DOUBT, False)


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://elsewhere.example/login?till=demo.till", "elsewhere.example"),
        ("https://elsewhere.example:8443/", "elsewhere.example:8443"),
        ("//elsewhere.example/x", "elsewhere.example"),
        ("https://user:secret@elsewhere.example/", "elsewhere.example"),
        ("https://[broken", None),
        ("", None),
    ],
)
async def test_a_redirect_is_not_followed_and_names_its_host(serve, connect, location, host):
    raw = f"HTTP/1.1 301 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    server = await serve(raw.encode("utf-8", "surrogateescape"))
    reply = await connect(server.url).issue(Variant.BULK, b"{}")
    assert isinstance(reply, Answer)
    assert (reply.status, reply.redirected_to) == (301, host)
    assert len(server.requests) == 1


async def test_a_redirect_without_a_host_leads_to_the_same_one(serve, connect, answer):
    server = await serve(answer("302 Found", b"", "Location: /login"))
    reply = await connect(server.url).issue(Variant.BULK, b"{}")
    assert reply.redirected_to == f"127.0.0.1:{server.port}"


async def test_the_declared_type_of_a_page_is_kept(serve, connect, answer):
    server = await serve(answer("403 Forbidden", b"<p>", "Content-Type: Text/HTML; charset=x"))
    reply = await connect(server.url).issue(Variant.BULK, b"{}")
    assert reply.media_type == "text/html"


async def test_concurrent_calls_with_large_headers_are_all_read(serve, connect, answer):
    server = await serve(answer("200 OK", ISSUED, "X-Large: " + "a" * _LARGE))
    client = connect(server.url)
    replies = await asyncio.gather(*(client.issue(Variant.BULK, b"{}") for _ in range(20)))
    assert {reply.body for reply in replies} == {ISSUED}
