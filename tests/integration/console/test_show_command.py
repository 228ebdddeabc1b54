"""`issuance show`: the story of one reward in every state, found by whatever names it."""

import json

import pytest

from issuance.redrive.rules import Verb
from issuance.retry import RetryPolicy
from ledger.campaigns import pause_campaign
from ledger.dispatch.cancellation import cancel_campaign
from ledger.intake.acceptance import open_intake
from tests.contract.ledger.build import (
    BUSY_CODE,
    OPERATOR,
    TIMEOUT,
    answer,
    issue,
    judge,
    make_job,
    refuse,
    say,
)

READS = RetryPolicy(reconcile_delays_seconds=(5.0, 5.0))


def _job(number=1, **options):
    return make_job(number, campaign="spring", **options)


def _accept_file(desk, *jobs):
    intake = open_intake(desk.ledger, desk.campaign, "spring.csv", OPERATOR)
    desk.accept(*jobs, intake_id=intake)


def _story(run, *words):
    return json.loads(run("show", *words, "--json").stdout)


def _texts(found):
    return [event["text"] for event in found["story"]]


def test_an_issued_reward_has_its_acceptance_and_its_call(run, desk):
    _accept_file(desk, _job())
    held, job = desk.take_one()
    desk.record(held, judge(job, issue(job)))
    found = _story(run, job.id)
    assert _texts(found)[-1] == "accepted from spring.csv, line 2, by asha"
    [call] = [text for text in _texts(found) if text.startswith("call 1")]
    assert call == "call 1, sent by w-1: answered HTTP 200, code 200 after 0.04 s; issued"
    assert found["present"].endswith("1 of 1 unit. The customer has it")
    assert [each["command"] for each in found["remedies"]] == [
        f"issuance revoke {job.id} --note WHY"
    ]
    output = run("show", job.id).stdout
    for text in ("Story", "accepted from spring.csv, line 2", "Now", "What may be done"):
        assert text in output
    assert "919800000001" not in output


def test_a_refused_reward_says_why_and_what_may_be_done(run, desk):
    job = desk.settle(_job(), refuse(12034, "919800000001 is in no segment"))
    found = _story(run, job.id)
    assert found["present"].startswith(
        "Not issued: the customer is not in the reward's segment (code 12034). "
        "Dead letter 1 is open."
    )
    assert [each["command"] for each in found["remedies"]] == [
        "issuance dead-letters redrive 1 --reissue",
        "issuance dead-letters discard 1 --note WHY",
    ]
    assert "burns the requestId" in found["refused"][0]
    assert "919800000001" not in run("show", job.id).stdout
    assert "919800000001 is in no segment" in run("show", job.id, "--reveal").stdout


def test_a_reissued_reward_and_its_successor_name_each_other(run, desk):
    job = desk.settle(_job(), refuse())
    desk.redrive(Verb.REISSUE)
    found = _story(run, job.id)
    successor = found["replacedBy"]
    assert f"asha reissued its dead letter under new requestIds: {OPERATOR.note}" in _texts(found)
    assert f"issuance show {successor}" in [each["command"] for each in found["remedies"]]
    after = _story(run, successor)
    assert after["replaces"] == [job.id]
    assert f"reissued: it takes the place of {job.id}" in _texts(after)


def test_a_reward_in_doubt_says_that_the_customer_may_have_it(run, desk):
    job = desk.settle(_job(), TIMEOUT)
    found = _story(run, job.id)
    assert found["present"].startswith("It is not known whether the customer has it")
    assert found["remedies"][0]["command"] == "issuance dead-letters redrive 1"


def test_a_partial_reward_says_how_many_units_there_are(run, desk):
    held, job = desk.take_one(_job(quantity=3))
    desk.record(held, judge(job, answer(say(job.lines[0], 8010, units=1))))
    assert _story(run, job.id)["present"].startswith("Issued in part: 1 of 3 units. Dead letter 1")


def test_a_reward_that_waits_says_for_what_and_until_when(run, desk):
    desk.accept(_job())
    assert _story(run, _job().id)["present"] == "It is due to be sent, and waits for its turn"
    held, job = desk.take_one()
    assert _story(run, job.id)["present"].startswith("A worker is sending it; ")
    desk.record(held, judge(job, refuse(BUSY_CODE)))
    found = _story(run, job.id)
    assert found["present"].startswith("It will be sent again at ")
    assert "; to be sent again in " in _texts(found)[0]


def test_a_reward_that_is_released_names_its_chunk(run, desk):
    desk.accept(_job())
    (chunk,) = desk.release()
    assert _story(run, _job().id)["present"].startswith(
        f"On its way to a worker in chunk {chunk.message.chunk_id};"
    )


def test_a_reward_to_be_looked_up_says_so_and_so_does_its_look_up(run, desk):
    held, job = desk.take_one(_job())
    desk.record(held, judge(job, refuse(1010), policy=READS))
    found = _story(run, job.id)
    assert found["present"].startswith("It will be looked up in the API's transactions at ")
    assert "; to be looked up in the API's transactions in " in _texts(found)[0]
    held = desk.take()
    desk.record(held, judge(held.jobs[0], TIMEOUT))
    assert "call 2, looked up in the API's transactions by w-1: no answer" in "".join(
        _texts(_story(run, job.id))
    )


def test_a_reward_of_a_paused_campaign_says_who_paused_it_and_why(run, desk):
    desk.accept(_job())
    pause_campaign(desk.ledger, "spring", OPERATOR)
    found = _story(run, _job().id)
    assert found["present"].startswith("Not sent: its campaign is paused since ")
    assert found["present"].endswith("by asha (ticket 42)")
    assert found["remedies"][0]["command"] == "issuance campaign resume spring"


def test_a_reward_of_a_cancelled_campaign_was_never_sent(run, desk):
    desk.accept(_job())
    cancel_campaign(desk.ledger, "spring", OPERATOR)
    assert _story(run, _job().id)["present"].startswith("Not sent: its campaign was cancelled")


def test_acts_of_operators_are_part_of_the_story(run, desk):
    job = desk.settle(_job(), refuse())
    desk.discard()
    found = _story(run, job.id)
    assert "asha discarded its dead letter: ticket 42" in _texts(found)
    assert "Its dead letter 1 is discarded since" in found["present"]
    assert found["remedies"] == []
    assert "nothing: it needs nothing more" in run("show", job.id).stdout


def test_the_lines_of_one_call_name_each_other(run, desk):
    job = _job(rewards=(1001, 1002))
    desk.accept(job)
    second = job.lines[1].request_id
    assert f"same call: {job.id} (waiting)" in run("show", second).stdout


@pytest.mark.parametrize("spelling", ["{}", " {} ", "{upper}", "-"])
def test_any_spelling_of_a_request_id_finds_it(run, desk, spelling):
    desk.accept(_job())
    request_id = _job().id
    word = spelling.format(request_id, upper=request_id.upper())
    assert run("show", word, input=f"{request_id}\n").stdout.startswith(f"{request_id}: waiting")


def test_a_key_finds_its_reward(run, desk):
    assert run("issue", "--mobile", "919800000001", "--reward-id", 1, "--key", "o-1").exit_code == 0
    assert _texts(_story(run, "o-1"))[0].startswith("accepted as a single request, by ")


def test_nothing_on_standard_input_is_refused(run, desk):
    result = run("show", "-", input="\n")
    assert result.exit_code == 2
    assert "first line of standard input" in result.stderr
