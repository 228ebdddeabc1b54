"""Acceptance: a job enters the ledger once, even if it is repeated or accepted concurrently."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from issuance.endpoint import Variant
from issuance.job import Lane
from issuance.states import State
from ledger.campaigns import CampaignError, ensure_campaign, find_campaign
from ledger.dispatch.cancellation import cancel_campaign
from ledger.intake.acceptance import accept, close_intake, open_intake
from ledger.store.schema import intakes
from tests.contract.ledger.build import OPERATOR, issue, judge, make_job, make_jobs


def test_accepted_jobs_wait_and_are_counted(desk):
    batch = make_jobs(3)
    assert desk.accept(*batch).accepted == batch
    assert desk.counts() == {State.WAITING: 3}


def test_an_empty_batch_adds_nothing(desk):
    assert desk.accept().accepted == []
    assert desk.counts() == {}


def test_accepting_the_same_file_again_adds_nothing(desk):
    batch = make_jobs(5)
    desk.accept(*batch, intake_id=open_intake(desk.ledger, desk.campaign, "a.csv"))
    again = desk.accept(*batch, intake_id=open_intake(desk.ledger, desk.campaign, "a.csv"))
    assert (again.accepted, again.known, again.conflicts) == ([], batch, [])
    assert desk.counts() == {State.WAITING: 5}


def test_an_interrupted_file_adds_the_rest_when_it_is_run_again(desk):
    batch = make_jobs(6)
    desk.accept(*batch[:3], intake_id=open_intake(desk.ledger, desk.campaign, "a.csv"))
    again = desk.accept(*batch, intake_id=open_intake(desk.ledger, desk.campaign, "a.csv"))
    assert (again.known, again.accepted) == (batch[:3], batch[3:])
    assert desk.counts() == {State.WAITING: 6}


def test_a_settled_job_is_known_and_stays_settled_when_its_file_is_run_again(desk):
    job = make_job()
    held, claimed = desk.take_one(job)
    desk.record(held, judge(claimed, issue(claimed)))
    assert desk.accept(job).known == [job]
    assert desk.counts() == {State.ISSUED: 1}


def test_a_row_repeated_in_one_batch_is_a_repeat_that_names_the_first_line(desk):
    intake = open_intake(desk.ledger, desk.campaign, "a.csv")
    first, repeat = make_job(source_line=2), make_job(source_line=9)
    (conflict,) = desk.accept(first, repeat, intake_id=intake).conflicts
    assert (conflict.job, conflict.kind, conflict.first_line) == (repeat, "repeat", 2)
    assert desk.counts() == {State.WAITING: 1}


def test_a_row_repeated_in_a_later_batch_of_the_file_is_a_repeat(desk):
    intake = open_intake(desk.ledger, desk.campaign, "a.csv")
    desk.accept(make_job(source_line=2), intake_id=intake)
    (conflict,) = desk.accept(make_job(source_line=5000), intake_id=intake).conflicts
    assert (conflict.kind, conflict.first_line) == ("repeat", 2)


def test_a_batch_sent_again_after_a_lost_commit_is_known_not_a_repeat(desk):
    intake = open_intake(desk.ledger, desk.campaign, "a.csv")
    batch = make_jobs(2)
    desk.accept(*batch, intake_id=intake)
    assert desk.accept(*batch, intake_id=intake).known == batch


def test_the_second_occurrence_of_a_reward_is_a_job_of_its_own(desk):
    assert len(desk.accept(make_job(), make_job(occurrence=2, source_line=9)).accepted) == 2


def test_another_payload_under_a_known_request_id_is_refused(desk):
    desk.accept(make_job(quantity=1), intake_id=open_intake(desk.ledger, desk.campaign, "a.csv"))
    changed = make_job(quantity=2)
    (conflict,) = desk.accept(
        changed, intake_id=open_intake(desk.ledger, desk.campaign, "b.csv")
    ).conflicts
    assert (conflict.job, conflict.kind, conflict.first_line) == (changed, "changed", 2)
    assert desk.counts() == {State.WAITING: 1}


def test_a_keyed_request_is_accepted_once(desk):
    job = make_job(key="order-7", lane=Lane.BACKGROUND, source_line=0)
    assert desk.accept(job).accepted == [job]
    assert desk.accept(job).known == [job]


def test_another_payload_under_a_known_key_is_refused(desk):
    desk.accept(make_job(1, key="order-7", source_line=0))
    (conflict,) = desk.accept(make_job(2, key="order-7", source_line=0)).conflicts
    assert conflict.kind == "changed"


def test_a_key_that_is_known_in_another_campaign_is_refused(desk):
    desk.accept(make_job(key="order-7"))
    (conflict,) = desk.another("holi").accept(make_job(key="order-7")).conflicts
    assert conflict.kind == "changed"
    assert desk.another("holi").counts() == {}


def test_a_job_of_several_lines_counts_each_of_them(desk):
    job = make_job(rewards=(1001, 1002, 1003))
    desk.accept(job)
    assert [line.request_id for line in desk.lines(job)] == [line.request_id for line in job.lines]
    assert desk.counts() == {State.WAITING: 3}


def accept_rows(desk, job, intake_id=None):
    return accept(desk.ledger, desk.campaign, [job], intake_id=intake_id, line_by_line=True)


def rows(rewards, first_line=2, **options):
    """Make a job from consecutive rows."""
    job = make_job(rewards=rewards, source_line=first_line, **options)
    lines = tuple(
        replace(line, source_line=first_line + place) for place, line in enumerate(job.lines)
    )
    return replace(job, lines=lines)


def test_line_by_line_the_new_lines_of_a_job_are_accepted_as_a_job_of_their_own(desk):
    desk.accept(rows((1001,)), rows((1003,)))
    acceptance = accept_rows(desk, rows((1001, 1002, 1003, 1004)))
    [new] = acceptance.accepted
    assert [line.reward_id for line in new.lines] == [1002, 1004]
    assert new.body == make_job(rewards=(1002, 1004)).body
    assert [job.lines[0].reward_id for job in acceptance.known] == [1001, 1003]
    assert desk.counts() == {State.WAITING: 4}
    assert [line.reward_id for line in desk.lines(new)] == [1002, 1004]


def test_line_by_line_a_line_is_known_from_any_job(desk):
    whole = rows((1001, 1002, 1003))
    accept_rows(desk, whole)
    for again in (whole, rows((1002,)), rows((1003, 1001)), rows((1002, 1003))):
        acceptance = accept_rows(desk, again)
        assert (acceptance.accepted, acceptance.conflicts) == ([], [])
        assert sum(len(job.lines) for job in acceptance.known) == len(again.lines)
    assert desk.counts() == {State.WAITING: 3}


def test_line_by_line_only_the_changed_line_of_a_job_is_refused(desk):
    desk.accept(rows((1001,), quantity=5))
    acceptance = accept_rows(desk, rows((1001, 1002)))
    [conflict] = acceptance.conflicts
    assert (conflict.kind, [line.reward_id for line in conflict.job.lines]) == ("changed", [1001])
    assert [line.reward_id for job in acceptance.accepted for line in job.lines] == [1002]


def test_line_by_line_another_endpoint_is_another_payload(desk):
    accept_rows(desk, rows((1001,), variant=Variant.SINGLE))
    [conflict] = accept_rows(desk, rows((1001,))).conflicts
    assert conflict.kind == "changed"


def test_line_by_line_a_repeat_names_the_row_where_its_job_begins(desk):
    intake = open_intake(desk.ledger, desk.campaign, "a.csv")
    accept_rows(desk, rows((1001, 1002)), intake)
    for reward, is_exact in ((1001, True), (1002, False)):
        [conflict] = accept_rows(desk, rows((reward,), first_line=9), intake).conflicts
        assert (conflict.kind, conflict.first_line, conflict.is_exact) == ("repeat", 2, is_exact)


def test_line_by_line_a_batch_sent_again_after_a_lost_commit_is_known(desk):
    desk.accept(rows((1001,)), intake_id=open_intake(desk.ledger, desk.campaign, "a.csv"))
    intake = open_intake(desk.ledger, desk.campaign, "a.csv")
    group = rows((1001, 1002, 1003))
    assert len(accept_rows(desk, group, intake).accepted) == 1
    again = accept_rows(desk, group, intake)
    assert (again.accepted, again.conflicts, len(again.known)) == ([], [], 3)


def test_a_job_with_one_known_line_counts_as_changed(desk):
    desk.accept(make_job(rewards=(1001, 1002)))
    (conflict,) = desk.accept(make_job(rewards=(1002, 1003))).conflicts
    assert conflict.kind == "changed"
    assert desk.counts() == {State.WAITING: 2}


@pytest.mark.parametrize("variant", list(Variant))
def test_the_body_is_kept_byte_for_byte(desk, variant):
    job = make_job(variant=variant, notes="für Ägypten 🎁")
    _, claimed = desk.take_one(job)
    assert (claimed.body, claimed.variant, claimed.customer) == (job.body, variant, job.customer)


def test_a_cancelled_campaign_accepts_nothing(desk):
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    with pytest.raises(CampaignError, match="choose another name"):
        desk.accept(make_job())


def test_a_finished_campaign_runs_again_when_more_is_accepted(desk):
    held, claimed = desk.take_one(make_job(1))
    desk.record(held, judge(claimed, issue(claimed)))
    assert desk.release() == []
    assert find_campaign(desk.ledger, "diwali").state == "finished"
    desk.accept(make_job(2))
    assert find_campaign(desk.ledger, "diwali").state == "running"


def test_two_producers_with_the_same_file_add_it_once(desk, at_once):
    batch = make_jobs(60)
    first, second = at_once(lambda: desk.accept(*batch), lambda: desk.accept(*reversed(batch)))
    assert sorted((len(first.accepted), len(second.accepted))) == [0, 60]
    assert desk.counts() == {State.WAITING: 60}


def test_two_callers_with_one_key_in_two_campaigns_are_accepted_once(desk, at_once):
    other, job = desk.another("holi"), make_job(key="order-7")
    results = at_once(lambda: desk.accept(job), lambda: other.accept(job))
    assert sorted(len(result.accepted) for result in results) == [0, 1]
    assert sorted(len(result.conflicts) for result in results) == [0, 1]


def test_two_producers_that_make_the_same_campaign_share_it(ledger, at_once):
    first, second = at_once(*[lambda: ensure_campaign(ledger, "new")] * 2)
    assert first.id == second.id


def test_an_intake_is_open_until_its_file_was_read_to_the_end(desk):
    intake = open_intake(desk.ledger, desk.campaign, "a.csv")
    query = select(intakes.c.finished_at, intakes.c.accepted, intakes.c.known, intakes.c.refused)
    with desk.ledger.read() as connection:
        assert connection.execute(query).one().finished_at is None
    close_intake(desk.ledger, intake, accepted=5, known=2, refused=1)
    with desk.ledger.read() as connection:
        finished_at, *counts = connection.execute(query).one()
    assert finished_at is not None
    assert counts == [5, 2, 1]


def test_a_thousand_jobs_are_one_batch(desk):
    assert len(accept(desk.ledger, desk.campaign, make_jobs(1000)).accepted) == 1000
    assert desk.counts() == {State.WAITING: 1000}
