"""Redrive: resends what may have been issued, reissues what was refused, each only once."""

import json
from dataclasses import replace

import pytest

from issuance.endpoint import Variant
from issuance.job import Lane
from issuance.redrive.rules import Verb
from issuance.retry import RetryPolicy
from issuance.states import State
from ledger.audit_log import actions_on
from ledger.campaign_ids import campaign_ids
from ledger.campaigns import find_campaign
from tests.contract.ledger.build import (
    BUSY_CODE,
    NOT_SENT,
    TIMEOUT,
    answer,
    issue,
    judge,
    make_job,
    make_jobs,
    refuse,
    say,
)

_ONCE = RetryPolicy(max_attempts=1)


def test_a_reissue_keeps_scope_and_organisation_but_not_the_transaction_number(desk):
    made = make_job(variant=Variant.CONNECTED)
    desk.settle(replace(made, scope="OTHER:50000", transaction_number="till-17"), refuse())
    desk.redrive(Verb.REISSUE)
    _, again = desk.take_one()
    assert (again.scope, again.transaction_number) == ("OTHER:50000", None)
    assert [line.org_id for line in again.lines] == [50_000]


def test_a_resend_sends_the_same_bytes_with_a_new_budget(desk):
    job = make_job()
    desk.settle(job, TIMEOUT)
    assert desk.redrive(Verb.RESEND).done == [desk.letter().id]
    _, again = desk.take_one()
    assert (again.id, again.body) == (job.id, job.body)
    assert (again.budget_attempts, again.budget_age_seconds, again.attempts, again.redrives) == (
        0,
        None,
        1,
        1,
    )


@pytest.mark.parametrize(("reply", "doubt"), [(TIMEOUT, True), (NOT_SENT, False)])
def test_a_resent_job_remembers_whether_it_may_have_reached_the_api(desk, reply, doubt):
    desk.settle(make_job(), reply)
    desk.redrive(Verb.RESEND)
    _, again = desk.take_one()
    assert again.may_have_reached is doubt


def test_a_resend_leaves_issued_lines_issued(desk):
    job = make_job(rewards=(1001, 1002))
    desk.settle(job, answer(say(job.lines[0]), say(job.lines[1], 8010, units=1)))
    desk.redrive(Verb.RESEND)
    assert desk.counts() == {State.ISSUED: 1, State.WAITING: 1}
    held, again = desk.take_one()
    assert len(again.lines) == 2
    desk.record(held, judge(again, issue(again)))
    assert desk.counts() == {State.ISSUED: 2}


def test_a_reissue_continues_the_trace_of_the_refused_job(desk):
    context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    desk.settle(replace(make_job(), traceparent=context), refuse())
    desk.redrive(Verb.REISSUE)
    _, again = desk.take_one()
    assert again.traceparent == context


def test_a_reissue_is_a_new_job_with_a_new_request_id_and_replaces_the_old_lines(desk):
    ids = campaign_ids(desk.ledger, desk.campaign)
    job = make_job(ids=ids)
    desk.settle(job, refuse())
    letter_id = desk.letter().id
    result = desk.redrive(Verb.REISSUE)
    new_id = ids.derive(job.customer, 1001, generation=2)
    assert (result.done, result.reissued) == ([letter_id], {letter_id: new_id})
    assert (desk.letter().state, desk.letter().reissued_as) == ("redriven", new_id)
    assert desk.counts() == {State.REPLACED: 1, State.WAITING: 1}
    assert find_campaign(desk.ledger, "diwali").accepted_lines == 2


def test_a_reissued_job_carries_its_lineage_and_its_new_request_id_everywhere(desk):
    job = make_job()
    desk.settle(job, refuse())
    desk.redrive(Verb.REISSUE)
    _, again = desk.take_one()
    content = json.loads(again.body)
    assert content["transactionNumber"] == content["rewards"][0]["requestId"] == again.id
    assert job.id.encode() not in again.body
    row = desk.row(again.id)
    assert (row.reissue_of, row.generation, row.source_line, row.lane) == (
        job.id,
        2,
        job.source_line,
        "blast",
    )
    assert again.customer == job.customer


def test_only_the_lines_that_failed_are_reissued(desk):
    held, claimed = desk.take_one(make_job(rewards=(1001, 1002), variant=Variant.CONNECTED))
    one, other = claimed.lines
    desk.record(held, judge(claimed, answer(say(one), say(other, BUSY_CODE))))
    held, claimed = desk.take_one()
    desk.record(held, judge(claimed, refuse()))
    desk.redrive(Verb.REISSUE)
    held, again = desk.take_one()
    assert [line.reward_id for line in again.lines] == [1002]
    assert [org["orgId"] for org in json.loads(again.body)["orgLevelDetails"]] == [50_001]
    desk.record(held, judge(again, issue(again)))
    assert desk.counts() == {State.ISSUED: 2, State.REPLACED: 1}


def test_a_reissue_that_is_refused_again_can_be_reissued_as_the_third_generation(desk):
    ids = campaign_ids(desk.ledger, desk.campaign)
    job = make_job(ids=ids)
    desk.settle(job, refuse())
    desk.redrive(Verb.REISSUE)
    held, second = desk.take_one()
    desk.record(held, judge(second, refuse()))
    desk.redrive(Verb.REISSUE)
    _, third = desk.take_one()
    assert third.id == ids.derive(job.customer, 1001, generation=3)
    assert [letter.reissued_as for letter in desk.letters()] == [second.id, third.id]


def test_an_issued_reissue_closes_the_dead_letters_of_all_earlier_generations(desk):
    first = make_job()
    desk.settle(first, refuse())
    for reply in (refuse, refuse, issue):
        desk.redrive(Verb.REISSUE)
        held, again = desk.take_one()
        desk.record(held, judge(again, reply(again) if reply is issue else reply()))
    assert [letter.state for letter in desk.letters()] == ["closed"] * 3
    assert desk.counts() == {State.REPLACED: 3, State.ISSUED: 1}
    second = desk.row(again.reissue_of).reissue_of
    assert desk.row(second).reissue_of == first.id


def test_a_refused_reissue_opens_its_own_dead_letter_and_leaves_the_old_one_redriven(desk):
    desk.settle(make_job(), refuse())
    desk.redrive(Verb.REISSUE)
    held, again = desk.take_one()
    desk.record(held, judge(again, refuse()))
    (open_letter,) = desk.letters(state="open")
    assert (open_letter.job_id, open_letter.openings) == (again.id, 1)
    assert [letter.state for letter in desk.letters()] == ["redriven", "open"]


def test_a_reissue_that_is_resent_and_issued_closes_both_dead_letters(desk):
    desk.settle(make_job(), refuse())
    desk.redrive(Verb.REISSUE)
    held, again = desk.take_one()
    desk.record(held, judge(again, TIMEOUT, policy=_ONCE))
    desk.redrive(Verb.RESEND)
    held, again = desk.take_one()
    desk.record(held, judge(again, issue(again)))
    assert [letter.state for letter in desk.letters()] == ["closed", "closed"]


def test_a_dead_letter_opened_again_after_its_reissue_stays_open_when_that_is_issued(desk):
    old_hold, old = desk.take_one(make_job())
    desk.record(old_hold, judge(old, refuse()))
    desk.redrive(Verb.REISSUE)
    desk.record(old_hold, judge(old, refuse(8010)))
    held, again = desk.take_one()
    desk.record(held, judge(again, issue(again)))
    assert [letter.job_id for letter in desk.letters(state="open")] == [old.id]


@pytest.mark.parametrize(
    "options", [{"key": "order-7"}, {"key": "order-8", "rewards": (1001, 1001)}]
)
def test_keyed_requests_get_new_request_ids_of_their_own(desk, options):
    job = make_job(lane=Lane.BACKGROUND, **options)
    held, claimed = _take_background(desk, job)
    desk.record(held, judge(claimed, refuse()))
    desk.redrive(Verb.REISSUE)
    _, again = _take_background(desk)
    new, old = {line.request_id for line in again.lines}, {line.request_id for line in job.lines}
    assert len(new) == len(job.lines)
    assert not new & old


def _take_background(desk, *jobs):
    desk.accept(*jobs)
    held = desk.take(Lane.BACKGROUND)
    (claimed,) = held.jobs
    return held, claimed


@pytest.mark.parametrize(
    ("reply", "refused"),
    [
        (refuse(), Verb.RESEND),
        (TIMEOUT, Verb.REISSUE),
        (refuse(8010), Verb.REISSUE),
        (NOT_SENT, Verb.REISSUE),
    ],
)
def test_a_redrive_that_the_reason_does_not_allow_is_refused_with_an_explanation(
    desk, reply, refused
):
    desk.settle(make_job(), reply)
    before = desk.counts()
    result = desk.redrive(refused)
    assert result.done == []
    assert f"{refused} is not allowed" in result.refused[desk.letter().id]
    assert (desk.counts(), desk.letter().state) == (before, "open")


@pytest.mark.parametrize("verb", list(Verb))
def test_an_undocumented_code_leaves_the_choice_to_the_operator(desk, verb):
    desk.settle(make_job(), refuse(98765))
    assert len(desk.redrive(verb).done) == 1


@pytest.mark.parametrize(("reply", "verb"), [(TIMEOUT, Verb.RESEND), (refuse(), Verb.REISSUE)])
def test_a_second_redrive_finds_nothing_open(desk, reply, verb):
    desk.settle(make_job(), reply)
    letter_id = desk.letter().id
    desk.redrive(verb)
    assert desk.redrive(verb).done == []
    assert "it is redriven already" in desk.redrive(verb, ids=(letter_id,)).refused[letter_id]
    assert desk.counts()[State.WAITING] == 1


@pytest.mark.parametrize(("reply", "verb"), [(TIMEOUT, Verb.RESEND), (refuse(), Verb.REISSUE)])
def test_concurrent_operators_redrive_each_dead_letter_once(desk, at_once, reply, verb):
    desk.accept(*make_jobs(20))
    held = desk.take()
    for claimed in held.jobs:
        desk.record(held, judge(claimed, reply, policy=_ONCE))
    first, second = at_once(*[lambda: desk.redrive(verb)] * 2)
    assert sorted(first.done + second.done) == [letter.id for letter in desk.letters()]
    assert desk.counts()[State.WAITING] == 20


def test_a_reissued_dead_letter_is_never_redriven_again(desk):
    held, claimed = desk.take_one(make_job())
    desk.record(held, judge(claimed, refuse()))
    desk.redrive(Verb.REISSUE)
    # A late reply shows that units were issued: the dead letter opens again for an operator.
    desk.record(held, judge(claimed, refuse(8010)))
    letter = desk.letters(state="open")[0]
    for verb in Verb:
        assert "it was reissued as" in desk.redrive(verb).refused[letter.id]


@pytest.mark.parametrize("act", ["resend", "discard"])
def test_each_unknown_id_is_refused(desk, act):
    desk.settle(make_job(), TIMEOUT)
    known = desk.letter().id
    ids = (78, known, 77)
    result = desk.discard(ids=ids) if act == "discard" else desk.redrive(Verb.RESEND, ids=ids)
    assert (result.done, result.refused) == (
        [known],
        dict.fromkeys((77, 78), "there is no such dead letter"),
    )


def test_a_redrive_takes_only_matching_dead_letters(desk):
    desk.settle(make_job(1), TIMEOUT)
    desk.settle(make_job(2), refuse())
    assert len(desk.redrive(Verb.RESEND, reason="in_doubt").done) == 1
    assert [letter.state for letter in desk.letters()] == ["redriven", "open"]


def test_a_redrive_makes_a_finished_campaign_run_again(desk):
    desk.settle(make_job(), TIMEOUT)
    desk.release()
    assert find_campaign(desk.ledger, "diwali").state == "finished"
    desk.redrive(Verb.RESEND)
    assert find_campaign(desk.ledger, "diwali").state == "running"
    assert len(desk.release()) == 1


def test_each_redrive_is_recorded_with_its_operator_and_note(desk):
    desk.settle(make_job(1), TIMEOUT)
    desk.settle(make_job(2), refuse())
    desk.redrive(Verb.RESEND)
    desk.redrive(Verb.REISSUE)
    first, second = desk.letters()
    (resent,) = actions_on(desk.ledger, f"letter:{first.id}")
    (reissued,) = actions_on(desk.ledger, f"letter:{second.id}")
    assert (resent.subject, resent.verb, resent.reason) == ("asha", "resend", "ticket 42")
    assert reissued.verb == "reissue"


def test_a_refused_redrive_is_not_recorded(desk):
    desk.settle(make_job(), TIMEOUT)
    desk.redrive(Verb.REISSUE)
    assert actions_on(desk.ledger, f"letter:{desk.letter().id}") == []


def test_dead_letters_are_reissued_into_their_own_campaigns_and_lanes(desk):
    other = desk.another("holi")
    desk.settle(make_job(1), refuse())
    other.settle(make_job(2, campaign="holi"), refuse())
    held, background = _take_background(desk, make_job(3, lane=Lane.BACKGROUND, key="order-9"))
    desk.record(held, judge(background, refuse()))
    result = desk.redrive(Verb.REISSUE)
    assert len(result.reissued) == 3
    assert (desk.counts(), other.counts()) == (
        {State.REPLACED: 2, State.WAITING: 2},
        {State.REPLACED: 1, State.WAITING: 1},
    )
    for letter in desk.letters():
        row = desk.row(result.reissued[letter.id])
        assert (row.reissue_of, row.campaign_id) == (
            letter.job_id,
            desk.row(letter.job_id).campaign_id,
        )
    assert desk.row(result.reissued[desk.letters()[2].id]).lane == "background"
