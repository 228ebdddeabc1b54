"""Revocations: what can be revoked, how the line shows it, and that its state stays."""

import pytest

from issuance.states import State
from ledger.audit_log import actions_on, line_target
from ledger.queries.outcomes import find_line, outcomes
from ledger.revocations import (
    RevocationError,
    Verb,
    begin_revocation,
    end_revocation,
    plan_revocation,
)
from tests.contract.ledger.build import OPERATOR, answer, issue, judge, make_job, say


@pytest.fixture
def issued(desk):
    held, job = desk.take_one(make_job(1))
    desk.record(held, judge(job, issue(job)))
    return job


def end(desk, verb: Verb, request_id: str) -> None:
    revocation = begin_revocation(desk.ledger, request_id, OPERATOR)
    end_revocation(desk.ledger, revocation, verb, OPERATOR, "what the API said")


def test_a_revoked_line_stays_issued_and_has_the_time_of_its_revocation(desk, issued):
    end(desk, Verb.REVOKED, issued.id)
    line = find_line(desk.ledger, issued.id)
    assert (line.state, line.revoked_at is not None) == (State.ISSUED, True)
    assert [each.revoked_at for each in outcomes(desk.ledger, desk.campaign)] == [line.revoked_at]
    noted = [
        (action.verb, action.subject, action.reason, action.after)
        for action in actions_on(desk.ledger, line_target(issued.id))
    ]
    assert noted == [
        ("revoke", "asha", "ticket 42", ""),
        ("revoked", "asha", "ticket 42", "what the API said"),
    ]


def test_other_lines_of_the_job_are_not_revoked(desk, issued):
    held, other = desk.take_one(make_job(2))
    desk.record(held, judge(other, issue(other)))
    end(desk, Verb.REVOKED, issued.id)
    assert [line.revoked_at is not None for line in outcomes(desk.ledger, desk.campaign)] == [
        True,
        False,
    ]


@pytest.mark.parametrize("verb", [Verb.NOT_REVOKED, Verb.IN_DOUBT])
def test_an_unconfirmed_revocation_is_not_shown_and_can_be_repeated(desk, issued, verb):
    end(desk, verb, issued.id)
    assert find_line(desk.ledger, issued.id).revoked_at is None
    assert plan_revocation(desk.ledger, issued.id).asked_before is (verb is Verb.IN_DOUBT)


def test_a_revocation_that_crashed_after_its_request_is_known(desk, issued):
    assert not begin_revocation(desk.ledger, issued.id, OPERATOR).asked_before
    assert begin_revocation(desk.ledger, issued.id, OPERATOR).asked_before


def test_a_second_revocation_is_refused_with_the_first_ones_operator_and_note(desk, issued):
    end(desk, Verb.REVOKED, issued.id)
    with pytest.raises(RevocationError, match="by asha: ticket 42"):
        begin_revocation(desk.ledger, issued.id, OPERATOR)


def test_a_transaction_named_for_two_lines_is_not_revoked(desk):
    held, job = desk.take_one(make_job(3, rewards=(1001, 1002)))
    desk.record(held, judge(job, answer(*(say(line, transactionId=4711) for line in job.lines))))
    with pytest.raises(RevocationError, match="which one"):
        plan_revocation(desk.ledger, job.id)


def test_an_issued_line_without_a_known_transaction_is_revoked_at_the_api_only(desk):
    held, job = desk.take_one(make_job(4))
    desk.record(held, judge(job, answer(say(job.lines[0], transactionId=None))))
    with pytest.raises(RevocationError, match="No reply showed its transaction"):
        plan_revocation(desk.ledger, job.id)
