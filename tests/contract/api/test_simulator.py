"""The client works with the simulated API, on every endpoint and with both auth methods."""

import asyncio

import pytest
from pydantic import SecretStr

from issuance.customer import Customer
from issuance.endpoint import OWN_READS, SCOPED_READS, Variant
from issuance.job import Line, freeze_body
from issuance.replies.answer import read_issue_answer
from rewards_api.reads import Found, NotFound
from simulator.demo_catalogue import ORG
from simulator.serve import Simulator

CUSTOMER = Customer("mobile", "919800000001")
BASIC = {"password": SecretStr("demo")}
OAUTH = {"auth": "oauth", "client_key": "demo-key", "client_secret": SecretStr("demo-secret")}


@pytest.fixture(scope="module")
def simulator():
    with Simulator() as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(simulator):
    simulator.reset()


def freeze(variant):
    line = Line(f"r-{variant}", 1001, org_id=ORG if variant.endpoint.needs_org else None)
    return freeze_body(variant, CUSTOMER, (line,), brand="DEMO", email_key="email")


@pytest.mark.parametrize("sign_in", [BASIC, OAUTH], ids=["basic", "oauth"])
@pytest.mark.parametrize("variant", Variant)
async def test_a_reward_is_issued_and_can_be_read(simulator, connect, variant, sign_in):
    client = connect(simulator.url, **sign_in)
    reply = await client.issue(variant, freeze(variant), 1001)
    issued = read_issue_answer(reply.body)
    truth = simulator.truth(f"r-{variant}")
    assert (reply.status, issued.status.code, len(truth["vouchers"])) == (200, 200, 1)
    assert reply.tracking_id

    transaction = truth["transactionIds"][0]
    read = await client.transaction_detail(
        truth["customerId"], transaction, reads=variant.endpoint.reads
    )
    assert isinstance(read, Found)
    assert read.detail.reward_transaction_id == str(transaction)
    assert read.detail.reward_issue_ref_id == f"r-{variant}"
    assert read.detail.vouchers == tuple(truth["vouchers"])


@pytest.mark.parametrize("reads", [OWN_READS, SCOPED_READS], ids=["own", "scoped"])
async def test_an_unknown_transaction_is_not_found(simulator, connect, reads):
    client = connect(simulator.url, **BASIC)
    await client.issue(Variant.BULK, freeze(Variant.BULK))
    customer = simulator.truth("r-bulk")["customerId"]
    assert isinstance(await client.transaction_detail(customer, 1, reads=reads), NotFound)


async def test_a_wrong_password_is_a_401(simulator, connect):
    reply = await connect(simulator.url, password=SecretStr("wrong")).issue(
        Variant.BULK, freeze(Variant.BULK)
    )
    assert reply.status == 401


async def test_a_wrong_secret_is_a_refused_token(simulator, connect):
    client = connect(simulator.url, **OAUTH | {"client_secret": SecretStr("wrong")})
    reply = await client.issue(Variant.BULK, freeze(Variant.BULK))
    assert (reply.kind, reply.sent) == ("token", False)
    assert reply.detail.startswith("refused")


async def test_revoked_tokens_are_replaced_without_a_lost_call(simulator, connect):
    client = connect(simulator.url, **OAUTH)
    await client.issue(Variant.BULK, freeze(Variant.BULK))
    simulator.revoke_tokens()
    replies = await asyncio.gather(
        *(client.issue(Variant.SINGLE, freeze(Variant.SINGLE), 1001) for _ in range(3))
    )
    assert [reply.status for reply in replies] == [200] * 3
    assert len(simulator.truth("r-single")["vouchers"]) == 1
