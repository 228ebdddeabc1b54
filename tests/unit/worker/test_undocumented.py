"""Undocumented codes are said loudly once for each new code and message, whoever meets them."""

import fakeredis
import pytest
from structlog.testing import capture_logs

from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.outcome import Kind, LineOutcome, Outcome, Reason
from issuance.retry import Settle
from issuance.states import State
from ledger.dispatch.claims import ClaimedJob
from ledger.results.recording import Attempt
from worker.unknown_codes import Undocumented


def attempt(code, message, reason=Reason.UNKNOWN_CODE):
    job = ClaimedJob(
        1,
        "r",
        1,
        Customer("mobile", "919800000001"),
        Variant.BULK,
        b"",
        (),
        1,
        0,
        0,
        None,
        False,
        0,
        0,
    )
    line = LineOutcome("r", Kind.FAILED, code, message, reason)
    outcome = Outcome(Kind.FAILED, code, message, (line,), reason)
    return Attempt(job, outcome, Settle(State.FAILED, reason), 0, 0, 200, None, None)


def told(undocumented, *attempts):
    with capture_logs() as events:
        undocumented.report(attempts)
    return [event["code"] for event in events if event["event"] == "undocumented_code"]


@pytest.fixture
def redis():
    with fakeredis.FakeRedis() as client:
        yield client


def test_a_new_code_is_told_once_over_all_workers(redis):
    assert told(Undocumented(redis), attempt(77001, "odd"), attempt(77001, "odd")) == [77001]
    assert told(Undocumented(redis), attempt(77001, "odd")) == []


def test_another_message_of_the_same_code_is_news(redis):
    assert told(Undocumented(redis), attempt(77001, "odd"), attempt(77001, "odder")) == [
        77001,
        77001,
    ]


def test_names_and_short_numbers_make_no_news(redis):
    alike = [
        attempt(77001, f"User {number} <{name}@b.co> is   odd")
        for number, name in ((12, "a"), (3456, "zz"))
    ]
    assert told(Undocumented(redis), *alike) == [77001]


def test_documented_codes_are_not_told(redis):
    assert told(Undocumented(redis), attempt(12034, "not in segment", Reason.FAILED)) == []


def test_without_redis_every_one_is_told():
    server = fakeredis.FakeServer()
    server.connected = False
    with fakeredis.FakeRedis(server=server) as away:
        assert told(Undocumented(away), attempt(77001, "odd"), attempt(77001, "odd")) == [
            77001,
            77001,
        ]
