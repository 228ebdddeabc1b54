"""Malformed replies of the simulated API are no success; a resend shows what happened."""

import pytest
from pydantic import SecretStr

from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.job import Line, freeze_body
from issuance.outcome import Kind
from issuance.replies.classification import classify
from rewards_api.reads import Unreadable
from simulator.malformation import CHANGES
from simulator.serve import Simulator

CUSTOMER = Customer("mobile", "919800000001")
LINE = Line("r-1", 1001)
BODY = freeze_body(Variant.BULK, CUSTOMER, (LINE,), brand="DEMO", email_key="email")
TRUE_ALL_THE_SAME = "duplicate_keys_after_commit"


@pytest.fixture(scope="module")
def simulator():
    with Simulator() as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(simulator):
    simulator.reset()


@pytest.mark.parametrize("kind", list(CHANGES))
async def test_a_malformed_reply_is_in_doubt_until_a_resend_is_answered(simulator, connect, kind):
    client = connect(simulator.url, password=SecretStr("demo"))
    simulator.faults(next=[{"fault": kind}])
    kinds = []
    for resent in (False, True):
        reply = await client.issue(Variant.BULK, BODY)
        kinds.append(classify([LINE], Variant.BULK, reply, resent=resent).kind)
    first = Kind.ISSUED if kind == TRUE_ALL_THE_SAME else Kind.IN_DOUBT
    assert kinds == [first, Kind.ISSUED]
    assert simulator.truth("r-1")["issued"] == 1


@pytest.mark.parametrize("kind", sorted(set(CHANGES) - {TRUE_ALL_THE_SAME}))
async def test_a_malformed_read_is_unreadable_and_a_later_one_succeeds(simulator, connect, kind):
    client = connect(simulator.url, password=SecretStr("demo"))
    await client.issue(Variant.BULK, BODY)
    truth = simulator.truth("r-1")
    for path, read in (
        ("/lookup", lambda: client.customer_id(CUSTOMER)),
        ("/issuals", lambda: client.issuals(truth["customerId"])),
        (
            "/issuals",
            lambda: client.transaction_detail(truth["customerId"], truth["transactionIds"][0]),
        ),
        ("/revoke", lambda: client.revoke(truth["transactionIds"][0], "reason", "asha")),
    ):
        simulator.faults(next=[{"fault": kind, "path": path}])
        assert isinstance(await read(), Unreadable)
        assert not isinstance(await read(), Unreadable)
