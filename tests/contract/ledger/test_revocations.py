"""Revocations: what can be revoked, how the line shows it, and that it leaves the sums."""

import pytest
from sqlalchemy import update

from issuance.budget import Budget
from issuance.redrive.rules import Verb as RedriveVerb
from issuance.states import DeadLetterState, State
from ledger.audit_log import actions_on, line_target
from ledger.budgets.usage import read_usage
from ledger.queries.balance import balance, recount
from ledger.queries.outcomes import find_line, outcomes
from ledger.revocations import (
    RevocationError,
    Verb,
    begin_revocation,
    begin_revocations,
    end_revocation,
    end_revocations,
    plan_revocation,
)
from ledger.store.schema import dead_letters
from tests.contract.ledger.build import OPERATOR, answer, issue, judge, make_job, refuse, say


@pytest.fixture
def issued(desk):
    held, job = desk.take_one(make_job(1))
    desk.record(held, judge(job, issue(job)))
    return job


def end(desk, verb: Verb, request_id: str) -> None:
    revocation = begin_revocation(desk.ledger, request_id, OPERATOR)
    end_revocation(desk.ledger, revocation, verb, OPERATOR, "what the API said")


def test_a_revoked_line_has_the_time_of_its_revocation_and_keeps_what_was_issued(desk, issued):
    end(desk, Verb.REVOKED, issued.id)
    line = find_line(desk.ledger, issued.id)
    assert (line.state, line.revoked_at is not None) == (State.REVOKED, True)
    assert (line.quantity, len(line.vouchers)) == (1, 1)
    assert [each.revoked_at for each in outcomes(desk.ledger, desk.campaign)] == [line.revoked_at]
    noted = [
        (action.verb, action.subject, action.reason, action.after)
        for action in actions_on(desk.ledger, line_target(issued.id))
    ]
    assert noted == [
        ("revoke", "asha", "ticket 42", ""),
        ("revoked", "asha", "ticket 42", "what the API said"),
    ]


def test_a_revoked_lines_units_leave_the_sums_and_the_budget(desk, issued):
    assert balance(desk.ledger, "diwali").units == 1
    end(desk, Verb.REVOKED, issued.id)
    for read in (balance, recount):
        found = read(desk.ledger, "diwali")
        assert (found.units, found.counts[State.REVOKED], found.balanced) == (0, 1, True)
    assert [
        line.request_id for line in outcomes(desk.ledger, desk.campaign, states=(State.REVOKED,))
    ]
    with desk.ledger.read() as connection:
        assert read_usage(connection, desk.campaign.id, Budget(units=1)).issued.units == 0


def test_a_late_answer_does_not_bring_a_revoked_line_back(desk, issued):
    held, job = desk.take_one(make_job(2))
    desk.record(held, judge(job, issue(job)))
    end(desk, Verb.REVOKED, job.id)
    desk.record(held, judge(job, issue(job)))
    assert find_line(desk.ledger, job.id).state is State.REVOKED
    assert desk.state(job) is State.ISSUED


def test_several_revocations_are_recorded_together(desk, issued):
    held, other = desk.take_one(make_job(2))
    desk.record(held, judge(other, issue(other)))
    failed = desk.settle(make_job(3), refuse())
    begun, refused = begin_revocations(
        desk.ledger, [issued.id, other.id, failed.id, "unknown"], OPERATOR
    )
    assert [revocation.line.request_id for revocation in begun] == [issued.id, other.id]
    assert refused.keys() == {failed.id, "unknown"}
    results = [(begun[0], Verb.REVOKED, "done"), (begun[1], Verb.NOT_REVOKED, "switched off")]
    end_revocations(desk.ledger, results, OPERATOR)
    assert desk.counts() == {State.REVOKED: 1, State.ISSUED: 1, State.FAILED: 1}
    noted = {
        each.id: [(action.verb, action.after) for action in actions_on(desk.ledger, target)]
        for each in (issued, other)
        for target in [line_target(each.id)]
    }
    assert noted == {
        issued.id: [("revoke", ""), ("revoked", "done")],
        other.id: [("revoke", ""), ("not revoked", "switched off")],
    }


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


def test_a_job_with_a_revoked_line_is_not_resent_when_its_letter_opens_again(desk):
    held, job = desk.take_one(make_job(5, rewards=(1001, 1002), quantity=2))
    first, second = job.lines
    desk.record(held, judge(job, answer(say(first), say(second, 8010, units=1, transactionId=1))))
    desk.discard()
    end(desk, Verb.REVOKED, first.request_id)
    with desk.ledger.write() as connection:
        connection.execute(update(dead_letters).values(state=DeadLetterState.OPEN))
    refused = desk.redrive(RedriveVerb.RESEND).refused
    assert "a line of its job was revoked" in refused[desk.letter().id]
    assert desk.counts() == {State.REVOKED: 1, State.PARTIAL: 1}
