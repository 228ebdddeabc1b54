"""The hostile stub: it fails as described, and its records show what it really issued."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.hostile.behaviour import Behaviour, Fault
from tests.hostile.faults import (
    ALWAYS_RESET,
    ALWAYS_SERVER_ERROR,
    ALWAYS_UNAUTHORIZED,
    BAD_GATEWAY,
    CUT_JSON,
    DROPPED,
    ISSUED_BUT_IN_DOUBT,
    MEASURED_SHARES,
    REPLY_LOST,
    SERVER_ERROR,
    THROTTLED_TWICE,
    UNAVAILABLE,
    busy,
    hanging,
)
from tests.hostile.stub import Stub, StubEntry

pytestmark = pytest.mark.processes

_CORE = "/api_gateway/rewards/core"
_BULK = f"{_CORE}/v1/user/rewards/issue"
_CONNECTED = f"{_CORE}/v1.1/user/rewards/issue"
_SINGLE = f"{_CORE}/v1/user/reward/1001/issue"
_MOBILE = "919800000001"


@pytest.fixture(scope="module")
def running() -> Iterator[Stub]:
    with Stub() as stub:
        yield stub


@pytest.fixture
def stub(running: Stub) -> Stub:
    running.reset()
    running.behave(latency_seconds=0)
    return running


def _issue(stub: Stub, mobile: str = _MOBILE, *, path: str = _BULK, reward: int = 1001) -> Any:
    line = {"rewardId": reward, "quantity": 1, "requestId": f"r-{mobile}"}
    body = {"mobile": mobile, "transactionNumber": f"t-{mobile}"}
    body |= line if path == _SINGLE else {"rewards": [line]}
    return httpx.post(stub.url + path, json=body, timeout=5)


def _strike(stub: Stub, fault: Fault) -> None:
    stub.behave(customers={_MOBILE: fault})


def _entry(stub: Stub) -> StubEntry:
    (entry,) = stub.books().values()
    return entry


@pytest.mark.parametrize("path", [_BULK, _CONNECTED, _SINGLE])
def test_a_plain_call_is_issued_once_and_repeated_with_the_same_answer(stub: Stub, path: str):
    first, again = _issue(stub, path=path), _issue(stub, path=path)
    assert (first.status_code, first.json()["status"]["code"]) == (200, 200)
    assert again.json() == first.json()
    assert (_entry(stub).issued, len(_entry(stub).calls), _entry(stub).bodies) == (1, 2, 1)


def test_a_repeated_call_may_show_only_the_units_it_adds(stub: Stub):
    stub.behave(replay="delta")
    units = [_issue(stub).json()["rewards"][0]["quantity"] for _ in range(2)]
    assert (units, _entry(stub).issued) == ([1, 0], 1)


@pytest.mark.parametrize(("fault", "issued"), [(REPLY_LOST, 1), (DROPPED, 0), (ALWAYS_RESET, 0)])
def test_a_cut_connection_gives_no_answer(stub: Stub, fault: Fault, issued: int):
    _strike(stub, fault)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        _issue(stub)
    assert _entry(stub).issued == issued


@pytest.mark.parametrize(
    ("fault", "status", "issued"),
    [
        (BAD_GATEWAY, 502, 1),
        (SERVER_ERROR, 500, 0),
        (ALWAYS_SERVER_ERROR, 500, 0),
        (CUT_JSON, 200, 1),
        (UNAVAILABLE, 503, 0),
    ],
)
def test_an_unreadable_answer_has_its_status(stub: Stub, fault: Fault, status: int, issued: int):
    _strike(stub, fault)
    answer = _issue(stub)
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert (answer.status_code, _entry(stub).issued) == (status, issued)


def test_a_throttled_customer_gets_two_429s_with_retry_after_and_is_then_served(stub: Stub):
    _strike(stub, THROTTLED_TWICE)
    answers = [_issue(stub) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert [answer.headers.get("Retry-After") for answer in answers] == ["1", "1", None]


@pytest.mark.parametrize(
    ("fault", "status", "code", "issued"),
    [(busy(521, 521), 521, 521, 0), (ISSUED_BUT_IN_DOUBT, 200, 1010, 1)],
)
def test_a_readable_refusal_comes_under_its_own_status_once(
    stub: Stub, fault: Fault, status: int, code: int, issued: int
):
    _strike(stub, fault)
    answer = _issue(stub)
    assert (answer.status_code, answer.json()["status"]["code"]) == (status, code)
    assert _entry(stub).issued == issued
    assert _issue(stub).json()["status"]["code"] == 200


def test_a_customer_may_always_be_unauthorized(stub: Stub):
    _strike(stub, ALWAYS_UNAUTHORIZED)
    assert [_issue(stub).status_code for _ in range(3)] == [401] * 3


def test_a_hanging_call_is_answered_late_and_does_not_delay_others(stub: Stub):
    _strike(stub, hanging(0.5))
    began = time.monotonic()
    assert _issue(stub).status_code == 200
    assert time.monotonic() - began >= 0.5
    began = time.monotonic()
    assert (_issue(stub).status_code, _issue(stub, "2").status_code) == (200, 200)
    assert time.monotonic() - began < 0.5


def test_a_reward_fails_for_every_customer_and_other_rewards_do_not(stub: Stub):
    stub.behave(rewards={"2001": ALWAYS_SERVER_ERROR})
    assert [_issue(stub, mobile, reward=2001).status_code for mobile in "12"] == [500, 500]
    assert _issue(stub, "3").status_code == 200


def test_an_outage_refuses_every_issue_call_until_it_ends(stub: Stub):
    stub.behave(outage=UNAVAILABLE)
    assert [_issue(stub, mobile).status_code for mobile in "121"] == [503] * 3
    stub.behave(outage=None)
    assert [_issue(stub, mobile).status_code for mobile in "12"] == [200] * 2


def test_reads_show_what_was_issued_under_a_transaction_number(stub: Stub):
    _strike(stub, REPLY_LOST)
    with pytest.raises(httpx.RemoteProtocolError):
        _issue(stub)
    query = {"source": "INSTORE", "identifierName": "mobile", "identifierValue": _MOBILE}
    customer = httpx.get(f"{stub.url}/v2/customers/lookup", params=query).json()["entity"]
    listed = f"{stub.url}{_CORE}/v1/management/customer/{customer}/issuals"
    (found,) = httpx.get(listed).json()["rewardIssueTransactions"]
    assert found["rewardIssueRefId"] == f"t-{_MOBILE}"
    shown = httpx.get(f"{listed}/{found['rewardTransactionId']}").json()["data"]
    assert {voucher["code"] for voucher in shown["vouchers"]} == _entry(stub).vouchers
    assert stub.reads() == 3


def test_reads_may_fail_while_issuing_works(stub: Stub):
    stub.behave(reads=ALWAYS_SERVER_ERROR)
    assert _issue(stub).status_code == 200
    assert httpx.get(f"{stub.url}{_CORE}/v1/reward-transactions/300001").status_code == 500


def test_the_same_seed_gives_the_same_customers_the_same_faults_in_the_right_shares():
    one, same = (Behaviour(seed=1, shares=MEASURED_SHARES) for _ in range(2))
    customers = [str(number) for number in range(4_000)]
    drawn = [one.fault_of(customer, [], 0) for customer in customers]
    assert drawn == [same.fault_of(customer, [], 0) for customer in customers]
    counts = Counter(map(repr, drawn))
    for share, fault in MEASURED_SHARES:
        assert counts[repr(fault)] == pytest.approx(share * len(customers), rel=0.25)
    assert [one.fault_of(customer, [], 2) for customer in customers] == [None] * len(customers)
