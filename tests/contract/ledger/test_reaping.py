"""Reaping: a job that lost its message or its worker is released again when its lease lapses."""

from issuance.states import State
from ledger.dispatch.lost_claims import end_leases
from ledger.dispatch.reaper import reap
from tests.contract.ledger.build import make_job, make_jobs


def test_no_job_is_reaped_before_its_lease_lapses(desk):
    desk.accept(*make_jobs(2))
    first, second = desk.release(chunk_size=1)
    desk.claim(first)
    assert reap(desk.ledger) == 0
    assert desk.counts() == {State.QUEUED: 1, State.RUNNING: 1}
    assert len(desk.claim(second).jobs) == 1


def test_a_job_that_lost_its_message_is_released_again_as_unsent(desk):
    job = make_job()
    desk.accept(job)
    desk.release()
    desk.lapse()
    assert reap(desk.ledger) == 1
    assert desk.row(job.id).may_have_reached is False
    assert len(desk.release()) == 1


def test_a_job_that_lost_its_worker_is_released_again_as_possibly_sent(desk):
    desk.take_one(make_job())
    desk.lapse()
    assert reap(desk.ledger) == 1
    _, again = desk.take_one()
    assert again.may_have_reached is True


def test_a_settled_job_has_no_lease_to_lapse(desk):
    held, _ = desk.take_one(make_job())
    desk.give_back(held)
    desk.lapse()
    assert reap(desk.ledger) == 0


def test_a_possibly_sent_job_stays_so_when_its_message_is_lost(desk):
    desk.take_one(make_job())
    desk.lapse()
    reap(desk.ledger)
    desk.release()
    desk.lapse()
    reap(desk.ledger)
    _, again = desk.take_one()
    assert again.may_have_reached is True


def test_concurrent_reapers_count_every_job_once(desk, at_once):
    desk.accept(*make_jobs(40))
    desk.release()
    desk.lapse()
    assert sum(at_once(*[lambda: reap(desk.ledger)] * 3)) == 40


def test_the_running_jobs_of_a_dead_workers_chunk_are_reaped_at_once_and_no_others(desk):
    desk.accept(*make_jobs(4))
    lost, other, queued, again = desk.release(chunk_size=1)
    for chunk in (lost, other, again):
        desk.claim(chunk)
    ended = end_leases(desk.ledger, [lost.id, queued.id, "unknown"])
    assert [(each.id, each.account, each.customers[0].value) for each in ended] == [
        (lost.id, "default", "919800000001")
    ]
    assert reap(desk.ledger) == 1
    assert desk.counts() == {State.WAITING: 1, State.QUEUED: 1, State.RUNNING: 2}
    (released,) = desk.release()
    assert released.job_numbers == lost.job_numbers
    assert desk.claim(released).jobs[0].may_have_reached is True


def test_a_claim_has_the_number_of_lost_workers(desk):
    _, first = desk.take_one(make_job())
    desk.lapse()
    reap(desk.ledger)
    held, second = desk.take_one()
    desk.give_back(held)
    _, third = desk.take_one()
    assert (first.claims, second.claims, third.claims) == (1, 2, 2)
