"""The requests that reads and revokes send."""

import json

import pytest

from issuance.customer import Customer
from issuance.endpoint import SCOPED_READS, Variant
from issuance.replies.reply import Answer
from rewards_api.reads import FoundCustomer, IssualsPage, Revoked, Unreadable

CORE = b"/api_gateway/rewards/core"
OTHER = {"data_scope": "OTHER", "data_scope_org": "4001"}
EMPTY = b'{"status":{"code":200},"rewardIssueTransactions":[]}'


def first_line(server):
    return server.requests[0].split(b"\r\n")[0]


@pytest.mark.parametrize(
    ("customer", "query"),
    [
        (Customer("mobile", "919800000001"), b"identifierName=mobile&identifierValue=919800000001"),
        (
            Customer("email", "a+b@example.test"),
            b"identifierName=email&identifierValue=a%2Bb@example.test",
        ),
        (Customer("externalId", "E 1&x"), b"identifierName=externalId&identifierValue=E+1%26x"),
    ],
)
async def test_a_customer_is_looked_up_by_the_jobs_identifier(
    serve, connect, answer, customer, query
):
    server = await serve(answer("200 OK", b'{"entity":306,"warnings":[]}'))
    assert await connect(server.url).customer_id(customer) == FoundCustomer(306)
    assert first_line(server) == b"GET /v2/customers/lookup?source=INSTORE&" + query + b" HTTP/1.1"


async def test_issuals_are_read_by_page_size_reward_and_status(serve, connect, answer):
    server = await serve(answer("200 OK", EMPTY))
    page = await connect(server.url).issuals(42, 1001, page=3, size=500, status=False)
    assert page == IssualsPage((), is_last=True, answer=Answer(200, EMPTY))
    path = CORE + b"/v1/management/customer/42/issuals?page=3&size=50&rewardId=1001&status=false"
    assert first_line(server) == b"GET " + path + b" HTTP/1.1"
    assert b"data-scope" not in server.requests[0].lower()


async def test_issuals_of_connected_organisations_count_pages_from_one_and_have_a_scope(
    serve, connect, answer
):
    server = await serve(answer("200 OK", EMPTY))
    await connect(server.url, **OTHER).issuals(42, reads=SCOPED_READS)
    path = CORE + b"/v1.1/reward-transactions?customerId=42&page=1&size=50"
    assert first_line(server) == b"GET " + path + b" HTTP/1.1"
    assert b"data-scope-org: 4001" in server.requests[0].lower()


async def test_without_the_customers_id_a_transaction_is_read_by_its_own_id(serve, connect, answer):
    server = await serve(answer("200 OK", b"{}"))
    assert await connect(server.url).transaction_detail(None, "300101") == Unreadable(
        Answer(200, b"{}")
    )
    path = CORE + b"/v1/reward-transactions/300101?couponCodeCase=AS_IT_IS"
    assert first_line(server) == b"GET " + path + b" HTTP/1.1"


@pytest.mark.parametrize(
    ("given", "sent"), [("300101", 300101), (300101, 300101), ("tx-1", "tx-1")]
)
async def test_a_revoke_names_the_transaction_the_reason_and_the_operator(
    serve, connect, answer, given, sent
):
    server = await serve(
        answer("200 OK", b'{"status":{"code":200},"txnId":300101,"state":"CANCELLED"}')
    )
    reply = await connect(server.url).revoke(given, "wrong blast", "asha")
    assert isinstance(reply, Revoked)
    assert (
        first_line(server)
        == b"POST " + CORE + b"/v1/user/reward/revoke?username=demo.till HTTP/1.1"
    )
    assert json.loads(server.bodies()[0]) == {
        "txnId": sent,
        "revokedBy": "asha",
        "revokeReason": "wrong blast",
    }


async def test_a_read_without_an_answer_is_unreadable(serve, connect, reset):
    async def reply(_request, writer):
        reset(writer)

    client = connect((await serve(reply)).url)
    reads = [
        await client.customer_id(Customer("mobile", "1")),
        await client.issuals(42),
        await client.revoke(1, "r", "by"),
    ]
    assert [(read.reply.kind, read.reply.sent) for read in reads] == [("reset", True)] * 3


async def test_each_call_and_read_has_the_scope_of_its_job(serve, connect, answer):
    server = await serve(answer("200 OK", EMPTY))
    client = connect(server.url, **OTHER)
    for scope in ("OTHER:7,8", "SELF", None):
        await client.issuals(42, reads=SCOPED_READS, scope=scope)
        await client.issue(Variant.CONNECTED, b"{}", scope=scope)
    await client.issuals(42, scope="OTHER:7")
    await client.issue(Variant.BULK, b"{}", scope="OTHER:7")
    sent = [
        (_header(request, b"DATA-SCOPE"), _header(request, b"DATA-SCOPE-ORG"))
        for request in server.requests
    ]
    twice = [("OTHER", "7,8"), ("SELF", ""), ("OTHER", "4001")]
    assert sent == [each for each in twice for _ in range(2)] + [("", ""), ("", "")]


def _header(request, name):
    lines = (line.split(b": ", 1) for line in request.split(b"\r\n\r\n")[0].split(b"\r\n")[1:])
    return {key.lower(): value.decode() for key, value in lines}.get(name.lower(), "")
