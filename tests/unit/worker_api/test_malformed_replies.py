"""Fuzz client and classification: no reply raises, and only a body that says so is issued."""

import asyncio
import gzip
import json
import zlib

import httpx
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.job import Line
from issuance.outcome import Kind
from issuance.replies.classification import classify
from rewards_api.account import ApiAccount
from rewards_api.client import RewardsClient

LINES = [Line("r-a", 1001, 2), Line("r-b", 1002)]
ACCOUNT = ApiAccount("http://rewards.test", "demo.till", password=SecretStr("demo"))
STATUS = {"success": True, "code": 200, "message": "Reward issued successfully"}
REFUSED = {"success": False, "code": 8003, "message": "no"}


def reward(request_id, reward_id, quantity, status=STATUS):
    return {
        "status": status,
        "transactionId": 300001,
        "rewardId": reward_id,
        "requestedQuantity": quantity,
        "quantity": quantity,
        "requestId": request_id,
        "intouch": [{"couponCode": f"C{place}"} for place in range(quantity)],
        "vendor": [],
    }


DOCUMENTED = [
    {"status": STATUS, "rewards": [reward("r-a", 1001, 2), reward("r-b", 1002, 1)]},
    {
        "status": REFUSED,
        "rewards": [reward("r-a", 1001, 0, REFUSED), reward("r-b", 1002, 0, REFUSED)],
    },
    {"status": REFUSED, "rewards": None},
    {
        "status": STATUS,
        "intouch": {"couponCode": "C1"},
        "transactionId": 300001,
        "promotion": None,
        "vendor": None,
    },
    {
        "status": [STATUS],
        "data": {"rewardTransactionId": "1", "quantity": 1, "vouchers": [{"code": "C1"}]},
    },
    {
        "status": STATUS,
        "rewardIssueTransactions": [{"rewardTransactionId": "1"}],
        "pagingDto": {"last": True},
    },
    {"entity": 306, "warnings": []},
    {"status": STATUS, "txnId": 300001, "state": "CANCELLED", "userRewardCount": 1},
]
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.just(10**400),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value, path=()):
    """The path to every item of a JSON value."""
    yield path
    steps = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for step, item in steps:
        yield from places(item, (*path, step))


def put(value, path, item):
    """The JSON value with one item replaced."""
    if not path:
        return item
    changed = value.copy()
    changed[path[0]] = put(value[path[0]], path[1:], item)
    return changed


@st.composite
def respelt(draw):
    """A documented answer with some values replaced."""
    value = draw(st.sampled_from(DOCUMENTED))
    for _ in range(draw(st.integers(0, 3))):
        value = put(value, draw(st.sampled_from(list(places(value)))), draw(anything))
    return json.dumps(value).encode()


@st.composite
def damaged(draw):
    """A documented answer with some bytes removed, doubled or replaced."""
    body = draw(respelt())
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(len(body), start + 40)))
        body = (
            body[:start]
            + draw(st.sampled_from([b"", body[start:end] * 2, b"\xff\xfe", b"{", b"[", b'"', b","]))
            + body[end:]
        )
    return body


DEEP = b'{"status":' * 50_000 + b"1" + b"}" * 50_000
bodies = (
    respelt()
    | damaged()
    | st.binary(max_size=80)
    | st.sampled_from([b"", b"<html>", b"[]", b"null", DEEP])
)
packings = {
    "": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": bytes,
    "gzip, gzip": bytes,
}
http_statuses = st.sampled_from(
    [200, 201, 204, 302, 400, 401, 403, 429, 500, 502, 503]
) | st.integers(200, 599)


async def call_all(response):
    """Answer every kind of call with this response; return the issue call's reply."""
    transport = httpx.MockTransport(lambda _request: response())
    async with RewardsClient(ACCOUNT, transport) as client:
        await client.customer_id(Customer("mobile", "1"))
        await client.issuals(1)
        await client.transaction_detail(1, 2)
        await client.revoke(1, "reason", "by")
        return await client.issue(Variant.BULK, b"{}")


def says_issued(body):
    """Whether the body has a status with code 200: an oracle that shares no code with ours."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return False
    if not isinstance(found, dict):
        return False
    rewards = found.get("rewards")
    parts = [found, *(rewards if isinstance(rewards, list) else [rewards])]
    statuses = [
        part["status"]
        for part in parts
        if isinstance(part, dict) and isinstance(part.get("status"), dict)
    ]
    return any(
        str(status.get("code")).strip() in ("200", "200.0", "+200", "0200") for status in statuses
    )


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    http_statuses,
    bodies,
    st.sampled_from(list(packings)),
    st.sampled_from([0, 0, 0, 5]),
    st.booleans(),
)
@example(200, b" " * 3_000_000, "gzip", 0, False)
@example(200, b'{"status":{"code":8003},"status":{"code":200}}', "", 0, False)
@example(200, b'{"status":{"code":200}}' + b" " * 3_000_000, "", 0, False)
def test_no_reply_raises_and_none_is_issued_unless_its_body_says_so(
    status, body, packing, cut, resent
):
    packed = packings[packing](body)
    sent = packed[: len(packed) - cut]
    headers = {"Content-Encoding": packing} if packing else {}

    def response():
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(sent))

    reply = asyncio.run(call_all(response))
    for variant, lines in ((Variant.BULK, LINES), (Variant.SINGLE, LINES[1:])):
        outcome = classify(lines, variant, reply, resent=resent)
        assert [line.request_id for line in outcome.lines] == [line.request_id for line in lines]
        kinds = {line.kind for line in outcome.lines}
        assert Kind.ISSUED not in kinds or says_issued(body)
        assert Kind.PARTIAL not in kinds or says_issued(body) or says_units(body)


def says_units(body):
    """Whether it counts units or has code 8010: each of them makes a line partial."""
    return any(word in body for word in (b'"quantity"', b"8010", b"201"))
