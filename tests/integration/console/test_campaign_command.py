"""`issuance campaign`: the ledger first, the workers next, and the balance at the end."""

import pytest

from issuance.states import State
from ledger.audit_log import actions_on
from ledger.campaigns import find_campaign
from tests.contract.ledger.build import TIMEOUT, TOO_MANY, judge, make_jobs


@pytest.mark.parametrize(
    ("verb", "state"), [("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")]
)
def test_each_verb_changes_the_state_records_who_did_it_and_prints_the_balance(
    run, desk, verb, state
):
    desk.accept(*make_jobs(2, campaign="spring"))
    result = run("campaign", verb, "spring")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"spring: {state}, 2 lines accepted, balanced\n")
    assert find_campaign(desk.ledger, "spring").state == state
    assert [action.verb for action in actions_on(desk.ledger, "campaign:spring")] == [verb]


def test_a_weight_is_set_shown_and_recorded_with_the_old_one(run, desk):
    desk.accept(*make_jobs(2, campaign="spring"))
    result = run("campaign", "weight", "spring", "3")
    assert result.stdout.startswith("spring: running, weight 3, 2 lines accepted, balanced\n")
    (action,) = actions_on(desk.ledger, "campaign:spring")
    assert (action.verb, action.before, action.after) == ("weight", "1", "3")
    assert run("status").stdout.splitlines()[2] == "  weight 3 · waiting 2"


@pytest.mark.parametrize("weight", ["0", "101", "1.5", "much"])
def test_a_weight_out_of_range_is_refused(run, desk, weight):
    assert run("campaign", "weight", "spring", weight).exit_code == 2
    assert find_campaign(desk.ledger, "spring").weight == 1


def test_a_cancelled_campaign_refuses_a_weight(run, desk):
    run("campaign", "cancel", "spring")
    result = run("campaign", "weight", "spring", "3")
    assert (result.exit_code, "Campaign spring is cancelled" in result.stderr) == (2, True)


def test_the_weight_of_an_unknown_campaign_is_refused(run, desk):
    assert run("campaign", "weight", "sprnig", "3").exit_code == 2


def test_without_redis_the_output_says_that_the_change_waits_for_the_next_release(run, desk):
    assert "takes effect at the next release" in run("campaign", "pause", "spring").stderr


def test_a_cancel_settles_unsent_jobs_and_leaves_jobs_in_doubt_to_be_reconciled(run, desk):
    desk.accept(*make_jobs(2, campaign="spring"))
    held = desk.take()
    doubted, refused = held.jobs
    desk.record(held, judge(doubted, TIMEOUT), judge(refused, TOO_MANY))
    desk.accept(*make_jobs(3, first=3, campaign="spring"))
    result = run("campaign", "cancel", "spring")
    assert desk.counts() == {State.CANCELLED: 3, State.WAITING: 1, State.FAILED: 1}
    assert "1 open dead letter: issuance dead-letters list --campaign spring" in result.stdout


def test_a_cancelled_campaign_stays_cancelled(run, desk):
    run("campaign", "cancel", "spring")
    result = run("campaign", "resume", "spring")
    assert result.exit_code == 2
    assert "Campaign spring is cancelled" in result.stderr


@pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
def test_an_unknown_campaign_is_unusable(run, desk, verb):
    assert run("campaign", verb, "sprnig").exit_code == 2
