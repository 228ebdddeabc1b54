"""OAuth calls: one token for all, one renewal after a 401, nothing sent without a token."""

import asyncio
import json

import pytest
from pydantic import SecretStr

from issuance.endpoint import Variant
from issuance.replies.reply import Answer, NoAnswer
from rewards_api.token_store import MemoryTokenStore
from rewards_api.tokens import Token

BODY = b'{"mobile": "919800000001"}'
OAUTH = {"auth": "oauth", "client_key": "the-key", "client_secret": SecretStr("the-secret")}


def token_of(request):
    lines = request.split(b"\r\n")
    return next(
        (
            line.split(b": ")[1]
            for line in lines
            if line.lower().startswith(b"x-cap-api-oauth-token")
        ),
        None,
    )


def asks_for_token(request):
    return request.startswith(b"POST /v3/oauth/token/generate HTTP/1.1\r\n")


@pytest.fixture
def api(serve, answer):
    """An API that issues tokens t1, t2, … and accepts those in `accepted`."""

    async def start(*, accepted=(b"t1",), token_status="200 OK", refusal=b"", ttl=300):
        given = 0

        async def reply(request, writer):
            nonlocal given
            if asks_for_token(request):
                given += 1
                data = {"accessToken": f"t{given}", "ttlSeconds": ttl}
                writer.write(
                    answer(token_status, json.dumps({"data": data, "errors": None}).encode())
                )
            elif token_of(request) in accepted:
                writer.write(answer())
            else:
                writer.write(answer("401 Unauthorized", refusal))

        return await serve(reply)

    return start


def token_requests(server):
    return [request for request in server.requests if asks_for_token(request)]


def calls(server):
    return [request for request in server.requests if not asks_for_token(request)]


async def test_the_key_and_secret_get_a_token_that_every_call_carries_without_basic(api, connect):
    server = await api()
    client = connect(server.url, **OAUTH)
    assert [await client.issue(Variant.BULK, BODY) for _ in range(3)] == [Answer(200, b"{}")] * 3
    (asked,) = token_requests(server)
    assert json.loads(asked.partition(b"\r\n\r\n")[2]) == {"key": "the-key", "secret": "the-secret"}
    assert [token_of(call) for call in calls(server)] == [b"t1"] * 3
    assert not any(b"authorization:" in request.lower() for request in server.requests)


async def test_calls_that_start_together_share_one_token(api, connect):
    server = await api()
    client = connect(server.url, **OAUTH)
    replies = await asyncio.gather(*(client.issue(Variant.BULK, BODY) for _ in range(30)))
    assert replies == [Answer(200, b"{}")] * 30
    assert len(token_requests(server)) == 1


async def test_after_a_401_the_same_bytes_are_sent_once_more_with_a_new_token(api, connect):
    server = await api(accepted=(b"t2",))
    assert await connect(server.url, **OAUTH).issue(Variant.BULK, BODY) == Answer(200, b"{}")
    first, second = calls(server)
    assert (token_of(first), token_of(second)) == (b"t1", b"t2")
    assert first.replace(b"t1", b"t2") == second
    assert second.endswith(BODY)


async def test_a_second_401_is_the_answer(api, connect):
    server = await api(accepted=(), refusal=b"no")
    assert await connect(server.url, **OAUTH).issue(Variant.BULK, BODY) == Answer(401, b"no")
    assert len(calls(server)) == 2


async def test_many_calls_refused_together_fetch_one_new_token(api, connect):
    server = await api(accepted=(b"t2",))
    client = connect(server.url, **OAUTH)
    replies = await asyncio.gather(*(client.issue(Variant.BULK, BODY) for _ in range(30)))
    assert replies == [Answer(200, b"{}")] * 30
    assert len(token_requests(server)) == 2


async def test_a_newer_token_of_another_process_is_used_instead_of_fetching_one(api, connect):
    server = await api(accepted=(b"other",))
    store = MemoryTokenStore()
    client = connect(server.url, token_store=store, **OAUTH)
    await store.write(Token("old", 300, 300))
    assert (await client.issue(Variant.BULK, BODY)).status == 401  # t1 is fetched, and refused too
    await store.write(Token("other", 300, 300))
    assert await client.issue(Variant.BULK, BODY) == Answer(200, b"{}")
    assert len(token_requests(server)) == 1


async def test_the_body_of_a_401_is_not_read_before_the_resend(serve, connect, answer):
    async def reply(request, writer):
        if asks_for_token(request):
            writer.write(answer("200 OK", b'{"data":{"accessToken":"t","ttlSeconds":300}}'))
        elif len(calls(server)) == 1:
            writer.write(
                b"HTTP/1.1 401 Unauthorized\r\nContent-Encoding: gzip\r\n"
                b"Content-Length: 99999999\r\n\r\nabc"
            )
        else:
            writer.write(answer())

    server = await serve(reply)
    # The store's token is refused, so another one is fetched.
    store = MemoryTokenStore()
    await store.write(Token("old", 300, 300))
    client = connect(server.url, token_store=store, **OAUTH)
    assert await client.issue(Variant.BULK, BODY) == Answer(200, b"{}")


@pytest.mark.parametrize(
    ("status", "beginning"),
    [
        ("400 Bad Request", "refused"),
        ("401 Unauthorized", "refused"),
        ("403 Forbidden", "refused"),
        ("429 Too Many Requests", "unavailable"),
        ("503 Service Unavailable", "unavailable"),
    ],
)
async def test_without_a_token_nothing_is_sent_and_the_detail_says_whether_the_key_is_wrong(
    api, connect, status, beginning
):
    server = await api(token_status=status)
    reply = await connect(server.url, **OAUTH).issue(Variant.BULK, BODY)
    assert (reply.kind, reply.sent) == ("token", False)
    assert reply.detail.startswith(beginning)
    assert calls(server) == []


@pytest.mark.parametrize(
    ("body", "beginning"),
    [
        (b"<html>", "unavailable"),
        (b"[]", "refused"),
        (b'{"data":null,"errors":[{"code":401}]}', "refused"),
        (b'{"data":{"accessToken":"a\\r\\nX: y","ttlSeconds":300}}', "unavailable"),
        (b'{"data":{"accessToken":7}}', "unavailable"),
    ],
)
async def test_a_malformed_answer_of_the_token_endpoint_gives_no_token(
    serve, connect, answer, body, beginning
):
    server = await serve(answer("200 OK", body))
    reply = await connect(server.url, **OAUTH).issue(Variant.BULK, BODY)
    assert (reply.kind, reply.sent) == ("token", False)
    assert reply.detail.startswith(beginning)


@pytest.mark.parametrize("ttl", [None, "soon", 0, -5, float("inf")])
async def test_an_unreadable_lifetime_of_a_token_counts_as_short(api, connect, ttl):
    server = await api(ttl=ttl)
    client = connect(server.url, **OAUTH)
    assert [await client.issue(Variant.BULK, BODY) for _ in range(2)] == [Answer(200, b"{}")] * 2
    assert len(token_requests(server)) == 1


async def test_a_hanging_token_endpoint_holds_a_call_no_longer_than_its_time_and_nothing_is_sent(
    serve, connect
):
    async def reply(_request, _writer):
        await asyncio.Event().wait()

    server = await serve(reply)
    reply = await connect(server.url, timeout_seconds=0.3, **OAUTH).issue(Variant.BULK, BODY)
    assert isinstance(reply, NoAnswer)
    assert (reply.kind, reply.sent) == ("token", False)
    assert calls(server) == []


async def test_not_every_call_tries_a_refused_key_again(api, connect):
    server = await api(token_status="401 Unauthorized")
    client = connect(server.url, **OAUTH)
    replies = [await client.issue(Variant.BULK, BODY) for _ in range(5)]
    assert all(reply.detail.startswith("refused") for reply in replies)
    assert len(token_requests(server)) == 1


async def test_a_token_that_cannot_be_renewed_leaves_the_401_as_the_answer(api, connect):
    server = await api(token_status="503 Service Unavailable", refusal=b"expired")
    store = MemoryTokenStore()
    await store.write(Token("old", 300, 300))
    assert await connect(server.url, token_store=store, **OAUTH).issue(
        Variant.BULK, BODY
    ) == Answer(401, b"expired")


async def test_neither_token_nor_secret_shows_in_a_reply(api, connect):
    server = await api(token_status="401 Unauthorized")
    shown = repr(await connect(server.url, **OAUTH).issue(Variant.BULK, BODY))
    assert "the-secret" not in shown
    assert "the-key" not in shown
