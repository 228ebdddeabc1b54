"""The bytes that a call sends, and the answers that it returns."""

import asyncio
import gzip
import logging
import zlib
from base64 import b64decode

import pytest

from issuance.endpoint import SCOPED_READS, Variant
from issuance.replies.reply import Answer
from rewards_api.reads import Found, NotFound, Unreadable

BODY = b'{"mobile": "919800000001" ,"brand":"DEMO"}'
ISSUED = b'{"status":{"success":true,"code":200,"message":"Reward issued successfully"}}'


@pytest.mark.parametrize(
    ("variant", "path"),
    [
        (Variant.SINGLE, b"/api_gateway/rewards/core/v1/user/reward/1001/issue"),
        (Variant.BULK, b"/api_gateway/rewards/core/v1/user/rewards/issue"),
        (Variant.CONNECTED, b"/api_gateway/rewards/core/v1.1/user/rewards/issue"),
    ],
)
async def test_each_variant_posts_the_given_bytes_to_its_own_path(
    serve, connect, answer, variant, path
):
    server = await serve(answer("200 OK", ISSUED))
    reply = await connect(server.url).issue(variant, BODY, 1001)
    assert reply == Answer(200, ISSUED)
    assert server.requests[0].startswith(
        b"POST " + path + b"?username=demo.till&skip_validation=true HTTP/1.1\r\n"
    )
    assert server.bodies() == [BODY]


@pytest.mark.parametrize("variant", list(Variant))
async def test_a_call_has_a_trace_context_only_if_it_is_given_one(serve, connect, answer, variant):
    server = await serve(answer("200 OK", ISSUED))
    client = connect(server.url)
    context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    await client.issue(variant, BODY, 1001, traceparent=context)
    await client.issue(variant, BODY, 1001)
    first, second = (request.lower() for request in server.requests)
    assert f"\r\ntraceparent: {context}\r\n".encode() in first
    assert b"traceparent" not in second
    assert first.replace(f"traceparent: {context}\r\n".encode(), b"") == second


async def test_the_till_is_encoded_in_the_query(serve, connect, answer):
    server = await serve(answer())
    await connect(server.url, till="a&b c+d@é").issue(Variant.BULK, BODY)
    target = server.requests[0].split(b" ")[1].partition(b"?username=")[2]
    assert target.lower() in (
        b"a%26b%20c%2bd@%c3%a9&skip_validation=true",
        b"a%26b+c%2bd@%c3%a9&skip_validation=true",
    )


async def test_the_headers_say_json_and_basic_with_the_hex_md5_of_the_password(
    serve, connect, answer
):
    server = await serve(answer())
    await connect(server.url).issue(Variant.BULK, BODY)
    lines = server.requests[0].partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    headers = {name.lower(): value for name, value in (line.split(b": ", 1) for line in lines)}
    assert (
        b64decode(headers[b"authorization"].removeprefix(b"Basic "))
        == b"demo.till:fe01ce2a7fbac8fafaed7c982a04e229"
    )
    assert headers[b"content-type"] == headers[b"accept"] == b"application/json"
    assert b"data-scope" not in headers


async def test_a_connected_call_names_its_scope_and_organisation(serve, connect, answer):
    server = await serve(answer())
    client = connect(server.url, data_scope="OTHER", data_scope_org="100737")
    await client.issue(Variant.CONNECTED, BODY)
    head = server.requests[0].partition(b"\r\n\r\n")[0].lower()
    assert b"data-scope: other" in head
    assert b"data-scope-org: 100737" in head


async def test_a_connected_call_without_an_organisation_sends_no_header_for_it(
    serve, connect, answer
):
    server = await serve(answer())
    await connect(server.url).issue(Variant.CONNECTED, BODY)
    assert b"data-scope-org" not in server.requests[0].lower()


async def test_the_single_endpoint_without_a_reward_is_a_bug_of_the_caller(serve, connect, answer):
    server = await serve(answer())
    with pytest.raises(ValueError, match="needs the reward's id"):
        await connect(server.url).issue(Variant.SINGLE, BODY)
    assert server.requests == []


async def test_an_answer_has_the_tracking_id_and_retry_after(serve, connect, answer):
    server = await serve(
        answer("429 Too Many Requests", b"", "Retry-After: 7", "X-CAP-REQUESTID: abc-1")
    )
    reply = await connect(server.url).issue(Variant.BULK, BODY)
    assert reply == Answer(429, b"", retry_after=7.0, tracking_id="abc-1")


async def test_a_gateways_html_page_is_an_answer(serve, connect, answer):
    server = await serve(answer("502 Bad Gateway", b"<html>oops</html>", "Content-Type: text/html"))
    assert await connect(server.url).issue(Variant.BULK, BODY) == Answer(502, b"<html>oops</html>")


@pytest.mark.parametrize("place", ["/elsewhere", "http://host:port/"])
async def test_a_redirect_is_an_answer_and_is_not_followed(serve, connect, answer, place):
    server = await serve(answer("307 Temporary Redirect", b"", f"Location: {place}"))
    assert await connect(server.url).issue(Variant.BULK, BODY) == Answer(307, b"")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
async def test_a_compressed_answer_is_decompressed_though_not_asked_for(
    serve, connect, answer, encoding, pack
):
    server = await serve(answer("200 OK", pack(ISSUED), f"Content-Encoding: {encoding}"))
    assert await connect(server.url).issue(Variant.BULK, BODY) == Answer(200, ISSUED)


async def test_a_chunked_answer_is_read_to_its_end(serve, connect):
    server = await serve(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
    )
    assert await connect(server.url).issue(Variant.BULK, BODY) == Answer(200, b"{}")


async def test_invalid_bytes_in_headers_are_harmless(serve, connect):
    server = await serve(
        b"HTTP/1.1 200 OK\r\nX-Cap-Requestid: \xff\xfe\r\nRetry-After: \xff\r\n"
        b"Content-Length: 2\r\n\r\n{}"
    )
    reply = await connect(server.url).issue(Variant.BULK, BODY)
    assert isinstance(reply, Answer)
    assert reply.retry_after is None


async def test_an_overlong_tracking_id_is_shortened(serve, connect, answer):
    server = await serve(answer("200 OK", b"{}", "X-Cap-Requestid: " + "a" * 1000))
    reply = await connect(server.url).issue(Variant.BULK, BODY)
    assert reply.tracking_id == "a" * 128


async def test_successive_calls_share_a_connection_and_cookies_are_not_kept(serve, connect, answer):
    server = await serve(answer("200 OK", b"{}", "Set-Cookie: _cfuvid=1; Path=/"))
    client = connect(server.url)
    for _ in range(3):
        await client.issue(Variant.BULK, BODY)
    assert server.connections == 1
    assert b"cookie" not in server.requests[2].lower()


async def test_the_configured_number_of_concurrent_calls_each_get_a_connection(
    serve, connect, answer
):
    together = asyncio.Barrier(120)

    async def reply(_request, writer):
        await together.wait()
        writer.write(answer())

    server = await serve(reply)
    client = connect(server.url, max_concurrent=120)
    replies = await asyncio.gather(*(client.issue(Variant.BULK, BODY) for _ in range(120)))
    assert replies == [Answer(200, b"{}")] * 120


async def test_no_library_logs_the_urls_of_calls(serve, connect, answer, caplog):
    caplog.set_level(logging.INFO)
    client = connect((await serve(answer())).url)
    await client.issue(Variant.BULK, BODY)
    await client.transaction_detail(42, "300101")
    assert caplog.records == []


DETAIL = (
    b'{"status":[{"success":true,"code":200}],"data":{"rewardTransactionId":"300101","quantity":1}}'
)


async def test_a_transaction_is_read_by_customer_and_id_with_codes_as_they_are(
    serve, connect, answer
):
    server = await serve(answer("200 OK", DETAIL))
    read = await connect(server.url).transaction_detail(42, "300101")
    assert isinstance(read, Found)
    assert read.detail.reward_transaction_id == "300101"
    path = b"/api_gateway/rewards/core/v1/management/customer/42/issuals/300101"
    query = b"?coupon_code_case=AS_IT_IS"
    assert server.requests[0].startswith(b"GET " + path + query + b" HTTP/1.1\r\n")
    assert b"authorization: basic" in server.requests[0].lower()


async def test_a_connected_organisations_transaction_is_read_in_its_scope(serve, connect, answer):
    server = await serve(answer("200 OK", DETAIL))
    await connect(server.url).transaction_detail(42, "300101", reads=SCOPED_READS)
    path = b"/api_gateway/rewards/core/v1.1/reward-transactions/300101?couponCodeCase=AS_IT_IS"
    assert server.requests[0].startswith(b"GET " + path + b" HTTP/1.1\r\n")
    assert b"data-scope: self" in server.requests[0].lower()


async def test_an_unknown_transaction_is_not_found(serve, connect, answer):
    status = b'{"success":false,"code":6004,"message":"Reward not found or disabled"}'
    body = b'{"status":[' + status + b'],"data":null}'
    server = await serve(answer("400 Bad Request", body))
    read = await connect(server.url).transaction_detail(42, "1")
    assert read == NotFound(6004, "Reward not found or disabled")


async def test_a_read_without_an_answer_keeps_the_reply(serve, connect, answer):
    server = await serve(answer("502 Bad Gateway", b"<html>"))
    assert await connect(server.url).transaction_detail(42, "1") == Unreadable(
        Answer(502, b"<html>")
    )
