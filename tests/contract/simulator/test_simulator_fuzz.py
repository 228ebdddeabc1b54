"""The simulator answers every call: its own crash would look like a fault of the API."""

import asyncio
import json

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.access import basic_header
from simulator.app import create_app
from simulator.demo_catalogue import DEMO
from simulator.switches import Switches

CORE = "/api_gateway/rewards/core"
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def shaped(required, **usual):
    """A body with usual values in most fields and arbitrary ones in some."""
    fields = {name: value | anything for name, value in usual.items()}
    return st.fixed_dictionaries({name: fields.pop(name) for name in required}, optional=fields)


rewards = shaped(
    ["rewardId"],
    rewardId=st.sampled_from([reward.reward_id for reward in DEMO.rewards]),
    rewardExternalId=st.sampled_from(["SKU-1001", "x"]),
    quantity=st.integers(1, 3),
    requestId=st.sampled_from(["r-1", "r-2", None]),
    paymentConfig=shaped(
        [], id=st.sampled_from([91, 101, 161]), redemptionValue=st.integers(1, 500)
    ),
    orgId=st.sampled_from([4000, 4001]),
    customFields=anything,
)
orders = shaped(
    ["brand", "transactionNumber", "mobile"],
    brand=st.just("DEMO"),
    transactionNumber=st.just("t-1"),
    mobile=st.sampled_from(["1", "919700000501", "919700000502"]),
    rewards=st.lists(rewards, max_size=3),
    eventDateTime=st.just("2026-01-01T00:00:00Z"),
    user_group2_id=st.sampled_from([601, None]),
    orgLevelDetails=st.lists(shaped([], userGroup2Id=st.just(601)), max_size=2),
    quantity=st.integers(1, 3),
    requestId=st.just("r-1"),
    txnId=st.just(300_001),
)
paths = st.sampled_from(
    [
        f"{CORE}/v1/user/rewards/issue",
        f"{CORE}/v1.1/user/rewards/issue",
        f"{CORE}/v1/user/reward/1001/issue",
        f"{CORE}/v1/user/reward/revoke",
        "/v3/oauth/token/generate",
    ]
)
switches = st.builds(
    Switches,
    http_mode=st.sampled_from(["always_200", "openapi_400"]),
    failed_replay=st.sampled_from(["duplicate_400", "stored_failure", "reprocess"]),
    replay_quantity=st.sampled_from(["cumulative", "delta"]),
    toplevel_anomaly=st.sampled_from(["off", "quantity_overstated", "transaction_shared"]),
    untidiness=st.sampled_from([0.0, 0.5]),
    revoke_enable=st.booleans(),
)


async def send(switched, calls):
    transport = httpx.ASGITransport(create_app(DEMO, switched))
    headers = {
        "Authorization": basic_header("demo.till", "demo"),
        "Content-Type": "application/json",
    }
    query = {"username": "demo.till", "skip_validation": "true"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://simulator", headers=headers
    ) as client:
        replies = [
            await client.post(path, params=query, content=json.dumps(body)) for path, body in calls
        ]
        summary = (await client.get("/_truth/summary")).json()
    return replies, summary


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(switches, st.lists(st.tuples(paths, orders | anything), min_size=1, max_size=6))
def test_every_call_gets_a_json_reply_and_the_records_agree(switched, calls):
    replies, summary = asyncio.run(send(switched, calls))
    for reply in replies:
        assert reply.status_code in {200, 400, 401, 403}
        assert isinstance(reply.json(), dict)
    assert summary["overIssued"] == 0
    assert summary["pointsRefunded"] <= summary["pointsCharged"]
