"""Reads find what was issued without a reply, whatever the API's undocumented behaviour."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from issuance.customer import Customer
from issuance.endpoint import OWN_READS, SCOPED_READS, Variant
from issuance.job import Line, freeze_body
from issuance.outcome import Kind
from issuance.reconciliation.conclusion import conclude, may_stop, pick_own
from rewards_api.reads import Found, FoundCustomer, NoSuchCustomer, NotRevoked, Revoked
from simulator.demo_catalogue import ORG
from simulator.serve import Simulator

CUSTOMER = Customer("mobile", "919800000001")
BASIC = {"password": SecretStr("demo")}
OAUTH = {"auth": "oauth", "client_key": "demo-key", "client_secret": SecretStr("demo-secret")}
LOST = {"kind": "timeout_after_commit", "hold_seconds": 0.01}


@pytest.fixture(scope="module")
def simulator():
    with Simulator() as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(simulator):
    simulator.reset()
    simulator.switch(
        replay_quantity="cumulative", untidiness=0.0, revoke_enable=False, read_lag_seconds=0
    )


def line(reward_id=1002, quantity=1, number=1):
    return Line(f"r-{number}", reward_id, quantity, org_id=ORG)


def freeze(lines, variant=Variant.BULK):
    return freeze_body(variant, CUSTOMER, lines, brand="DEMO", email_key="email")


async def reconcile(client, lines, *, reads=OWN_READS, size=50):
    """Reconcile like a worker: customer, list, details, conclusion."""
    customer = await client.customer_id(CUSTOMER, reads=reads)
    assert isinstance(customer, FoundCustomer)
    pages, number = [], 0
    while True:
        page = await client.issuals(customer.id, page=number, size=size, reads=reads)
        pages.append(page.issuals)
        if page.is_last or may_stop(page.issuals, datetime.now(UTC)):
            break
        number += 1
    own = pick_own(lines[0].request_id, pages)
    details = {}
    for entry in own:
        read = await client.transaction_detail(
            customer.id, entry.reward_transaction_id, reads=reads
        )
        assert isinstance(read, Found)
        details[entry.reward_transaction_id] = read.detail
    return conclude(lines, own, details)


@pytest.mark.parametrize("untidiness", [0.0, 0.5])
@pytest.mark.parametrize("sign_in", [BASIC, OAUTH], ids=["basic", "oauth"])
@pytest.mark.parametrize("variant", Variant)
async def test_a_lost_success_is_found_with_its_vouchers(
    simulator, connect, variant, sign_in, untidiness
):
    simulator.switch(untidiness=untidiness)
    client = connect(simulator.url, **sign_in)
    simulator.faults(next=[{"fault": LOST}])
    await client.issue(variant, freeze((line(),), variant), 1002)
    conclusion = await reconcile(client, [line()], reads=variant.endpoint.reads)
    [found] = conclusion.outcome.lines
    truth = simulator.truth("r-1")
    assert (found.kind, found.quantity, found.requested_quantity) == (Kind.ISSUED, 1, 1)
    assert found.vouchers == truth["vouchers"]
    assert found.transaction_ids == tuple(map(str, truth["transactionIds"]))
    assert len(found.points_references) == 1


@pytest.mark.parametrize("replay", ["cumulative", "delta"])
async def test_units_of_a_resent_part_are_counted_once_in_both_interpretations(
    simulator, connect, replay
):
    simulator.switch(replay_quantity=replay, untidiness=0.3)
    client, lines = connect(simulator.url, **BASIC), [line(1006, 3)]
    await client.issue(Variant.BULK, freeze(lines))
    [part] = (await reconcile(client, lines)).outcome.lines
    assert (part.kind, part.quantity, part.code) == (Kind.PARTIAL, 1, 8010)
    simulator.change_reward(1006, customer_limit=None)
    await client.issue(Variant.BULK, freeze(lines))
    [whole] = (await reconcile(client, lines)).outcome.lines
    assert (whole.kind, whole.quantity) == (Kind.ISSUED, 3)
    assert sorted(whole.vouchers) == sorted(simulator.truth("r-1")["vouchers"])


async def test_each_line_of_a_call_has_its_own_conclusion(simulator, connect):
    client = connect(simulator.url, **BASIC)
    lines = [
        line(1001, 2, 1),
        line(1005, 1, 2),
        line(1003, 1, 3),
        line(1010, 1, 4),
        line(1017, 1, 5),
    ]
    simulator.faults(next=[{"fault": LOST}])
    await client.issue(Variant.BULK, freeze(lines))
    conclusion = await reconcile(client, lines)
    kinds = [one.kind for one in conclusion.outcome.lines]
    # A line whose payment is ambiguous leaves no transaction.
    assert kinds == [Kind.ISSUED, Kind.FAILED, Kind.ISSUED, Kind.IN_DOUBT, Kind.ISSUED]
    assert conclusion.missing == ("r-4",)
    for one in conclusion.outcome.lines:
        assert one.vouchers == simulator.truth(one.request_id)["vouchers"]


async def test_a_refusal_is_found_with_its_code(simulator, connect):
    client, lines = connect(simulator.url, **BASIC), [line(1007)]
    await client.issue(Variant.BULK, freeze(lines))
    outcome = (await reconcile(client, lines)).outcome
    assert (outcome.kind, outcome.code) == (Kind.FAILED, 12034)


async def test_a_transaction_that_a_lagging_read_does_not_show_is_missing(simulator, connect):
    client, lines = connect(simulator.url, **BASIC), [line()]
    await client.issue(Variant.BULK, freeze(lines))
    simulator.switch(read_lag_seconds=60)
    assert (await reconcile(client, lines)).missing == ("r-1",)


@pytest.mark.parametrize("reads", [OWN_READS, SCOPED_READS], ids=["own", "scoped"])
async def test_a_job_is_found_behind_newer_transactions_of_its_customer(simulator, connect, reads):
    client, wanted = connect(simulator.url, **BASIC), [line()]
    await client.issue(Variant.BULK, freeze(wanted))
    for number in range(2, 9):
        await client.issue(Variant.BULK, freeze([line(number=number)]))
    assert (await reconcile(client, wanted, reads=reads, size=3)).outcome.kind is Kind.ISSUED


async def test_lists_are_filtered_by_reward_and_status(simulator, connect):
    client = connect(simulator.url, **BASIC)
    await client.issue(Variant.BULK, freeze([line(1001, 1, 1), line(1002, 1, 2), line(1005, 1, 3)]))
    customer = simulator.truth("r-1")["customerId"]

    async def rewards(**query):
        return [one.reward_id for one in (await client.issuals(customer, **query)).issuals]

    assert await rewards(reward_id=1002) == [1002]
    assert await rewards(status=False) == [1005]
    assert sorted(await rewards(status=True)) == [1001, 1002]


async def test_an_unknown_customer_is_reported(simulator, connect):
    reply = await connect(simulator.url, **BASIC).customer_id(
        Customer("email", "unknown@example.test")
    )
    assert reply == NoSuchCustomer(8015, "Customer not found")


@pytest.mark.parametrize("sign_in", [BASIC, OAUTH], ids=["basic", "oauth"])
async def test_an_issued_transaction_is_revoked_once_and_only_if_the_brand_allows_it(
    simulator, connect, sign_in
):
    client = connect(simulator.url, **sign_in)
    await client.issue(Variant.BULK, freeze([line(quantity=2)]))
    transaction = str(simulator.truth("r-1")["transactionIds"][0])
    replies = [await client.revoke(transaction, "wrong blast", "asha")]
    simulator.switch(revoke_enable=True)
    replies += [
        await client.revoke(one, "wrong blast", "asha") for one in (transaction, transaction, "1")
    ]
    codes = [reply.code if isinstance(reply, NotRevoked) else reply for reply in replies]
    assert [code for code in codes if not isinstance(code, Revoked)] == [13005, 13003, 10007]
    assert (codes[1].transaction_id, codes[1].units, json.loads(codes[1].answer.body)["state"]) == (
        transaction,
        2,
        "CANCELLED",
    )
    assert simulator.truth("r-1")["revoked"] == 2
