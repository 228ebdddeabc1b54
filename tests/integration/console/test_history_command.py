"""`issuance history`: each act in one plain sentence, whatever it was done to."""

import json

import pytest

from issuance.redrive.rules import Verb
from ledger.audit_effects import recorded
from ledger.audit_log import Operator, record_action
from ledger.campaigns import pause_campaign, resume_campaign, weigh_campaign
from operations.history_sentences import BEGINNINGS, SENTENCES, sentence
from tests.contract.ledger.build import OPERATOR, TIMEOUT, judge, make_jobs, refuse


@pytest.fixture
def acts(desk):
    """A log with three acts."""
    pause_campaign(desk.ledger, "spring", OPERATOR)
    resume_campaign(desk.ledger, "spring", Operator("ravi", host="vm", claimed="R."))
    weigh_campaign(desk.ledger, "spring", 7, OPERATOR)
    return desk


def _sentences(run, *options):
    found = json.loads(run("history", *options, "--json").stdout)
    return [act["sentence"] for act in found["acts"]]


def test_acts_are_sentences_from_the_newest_with_person_time_and_reason(run, acts):
    result = run("history")
    assert result.exit_code == 0
    lines = [line.split("Z  ", 1)[1] for line in result.stdout.splitlines()]
    assert lines == [
        "asha  changed the weight of spring from 1 to 7: ticket 42",
        "ravi@vm (as R.)  resumed spring",
        "asha  paused spring: ticket 42",
    ]
    assert result.stderr.strip() == "3 acts"


def test_pages_continue_where_the_last_one_ended(run, acts):
    first = run("history", "--limit", 2)
    assert "2 acts; older ones: --before 2" in first.stderr
    assert _sentences(run, "--before", 2) == ["paused spring"]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--by", "ravi"), 1),
        (("--by", "R."), 1),
        (("--by", "zoe"), 0),
        (("--campaign", " spring "), 3),
        (("--since", "2100-01-01"), 0),
        (("--since", "2h"), 3),
        (("--since", "7d"), 3),
    ],
)
def test_options_choose_acts(run, acts, options, count):
    assert len(_sentences(run, *options)) == count


def test_an_act_on_many_letters_is_one_sentence(run, desk):
    desk.accept(*make_jobs(3, campaign="spring"))
    held = desk.take()
    desk.record(held, *(judge(job, refuse()) for job in held.jobs))
    desk.redrive(Verb.REISSUE)
    act, begun = json.loads(run("history", "--json").stdout)["acts"]
    assert begun["sentence"].startswith(
        "began to reissue dead letters as redrive 1: running: 3 letters, digest "
    )
    assert act["sentence"] == "reissued 3 dead letters of spring (1 to 3) under new requestIds"
    assert (act["count"], act["firstId"], act["id"], act["campaign"]) == (3, 2, 4, "spring")


def test_a_campaign_has_the_acts_on_its_letters_and_rewards_and_no_others(run, acts):
    other = acts.another("winter")
    job = acts.settle(make_jobs(1, campaign="spring")[0], TIMEOUT)
    other.settle(make_jobs(1, first=2, campaign="winter")[0], TIMEOUT)
    acts.discard()
    with acts.ledger.write() as connection:
        record_action(connection, OPERATOR, verb="reveal", target=f"line:{job.id}")
        record_action(connection, OPERATOR, verb="reveal", target="line:absent")
    assert _sentences(run, "--campaign", "spring")[:2] == [
        f"looked at reward {job.id} of spring in the clear",
        "discarded dead letter 1 of spring",
    ]
    assert _sentences(run, "--campaign", "winter") == ["discarded dead letter 2 of winter"]


def test_an_act_with_an_outcome_is_shown_once_and_one_without_as_asked_for(run, desk):
    limit = {"verb": "set limit", "target": "account:default", "before": "unlimited"}
    with recorded(desk.ledger, OPERATOR, **limit, after="9 calls a minute"):
        assert _sentences(run) == [
            "asked to set the limit of account default from unlimited to 9 calls a minute"
        ]
    assert _sentences(run) == [
        "set the limit of account default from unlimited to 9 calls a minute"
    ]


def test_an_unknown_campaign_is_refused(run, desk):
    result = run("history", "--campaign", "absent")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no campaign 'absent'" in result.stderr


@pytest.mark.parametrize("verb", SENTENCES)
def test_every_sentence_names_what_it_was_done_to(verb):
    assert "WHAT" in sentence(verb, "WHAT", "a", "b")


def test_a_verb_without_a_sentence_is_shown_with_its_change():
    assert sentence("tilt", "spring", "up", "down") == "tilt: spring (up → down)"
    assert sentence("tilt", "spring", "", "") == "tilt: spring"


def test_outcomes_and_their_beginnings_have_sentences():
    assert {*BEGINNINGS, *BEGINNINGS.values()} <= SENTENCES.keys()
