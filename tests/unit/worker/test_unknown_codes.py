"""Each undocumented code and message is logged as an error once, across all workers."""

from dataclasses import replace

import fakeredis
import pytest
from structlog.testing import capture_logs

from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.outcome import Kind, LineOutcome, Outcome, Reason
from issuance.retry import Settle
from issuance.states import State
from ledger.dispatch.claimed_jobs import ClaimedJob
from ledger.results.attempts import Attempt
from worker.unknown_codes import _KEY, Undocumented


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


def logged_codes(undocumented, *attempts):
    with capture_logs() as events:
        undocumented.report(attempts)
    return [event["code"] for event in events if event["event"] == "undocumented_code"]


@pytest.fixture
def redis():
    with fakeredis.FakeRedis() as client:
        yield client


def test_a_new_code_is_logged_once_across_all_workers(redis):
    assert logged_codes(Undocumented(redis), attempt(77001, "odd"), attempt(77001, "odd")) == [
        77001
    ]
    assert logged_codes(Undocumented(redis), attempt(77001, "odd")) == []


def test_another_message_of_the_same_code_is_logged(redis):
    assert logged_codes(Undocumented(redis), attempt(77001, "odd"), attempt(77001, "odder")) == [
        77001,
        77001,
    ]


def test_messages_that_differ_only_in_names_and_numbers_are_logged_once(redis):
    alike = [
        attempt(77001, f"User {number} <{name}@b.co> is   odd")
        for number, name in ((12, "a"), (3456, "zz"))
    ]
    assert logged_codes(Undocumented(redis), *alike) == [77001]


def test_documented_codes_are_not_logged(redis):
    assert logged_codes(Undocumented(redis), attempt(12034, "not in segment", Reason.FAILED)) == []


def test_without_redis_every_occurrence_is_logged():
    server = fakeredis.FakeServer()
    server.connected = False
    with fakeredis.FakeRedis(server=server) as unavailable:
        assert logged_codes(
            Undocumented(unavailable), attempt(77001, "odd"), attempt(77001, "odd")
        ) == [
            77001,
            77001,
        ]


def test_neither_the_log_nor_redis_holds_a_voucher_or_an_identifier_of_the_job(redis):
    refused = attempt(77001, "voucher summer-treat of rita is used")
    refused = replace(
        refused,
        job=replace(
            refused.job,
            customer=Customer("externalId", "rita"),
            shown_vouchers=("summer-treat",),
        ),
    )
    with capture_logs() as events:
        Undocumented(redis).report([refused])
    assert events[0]["message"] == "voucher **** of **** is used"
    assert not any(b"rita" in member or b"treat" in member for member in redis.smembers(_KEY))
