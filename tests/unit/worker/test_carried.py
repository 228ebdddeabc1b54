"""What dead children carried: noted by them, marked by their worker, freed by the next release."""

import os
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from issuance.states import State
from tests.contract.ledger.build import make_job, make_jobs
from tests.unit.worker.process import MEMORY_URL, chunks, end_parts, let_go, make_parts, wait_for
from tests.unit.worker.test_chunks import AbsentLedger
from worker.child_watch import child_watch
from worker.chunk_handler import handle_chunk
from worker.dispatcher import run_release

SLOW = make_job(2)


def _note(services, *chunk_ids):
    services.start(services.carried.note(services.limits.redis, chunk_ids)).result(5)


def test_the_chunks_of_a_dead_child_are_lost_and_those_of_others_are_not(services):
    _note(services, "first", "second")
    services.carried.mark_lost(os.getpid() + 1)
    assert services.carried.lost() == []
    services.carried.mark_lost(os.getpid())
    assert services.carried.lost() == ["first", "second"]


def test_a_chunk_whose_calls_have_ended_is_lost_with_no_child(services):
    _note(services, "first")
    _note(services, "second")
    services.carried.mark_lost(os.getpid())
    assert services.carried.lost() == ["second"]


@pytest.mark.parametrize("taken", [False, True])
def test_a_chunk_whose_message_comes_back_is_not_lost(services, taken):
    _note(services, "first")
    services.orphans.report("first")
    assert not taken or services.orphans.take("first")
    services.carried.mark_lost(os.getpid())
    assert services.carried.lost() == []


def test_without_redis_nothing_is_known_and_nothing_breaks(services, server):
    server.connected = False
    with capture_logs() as logged:
        _note(services, "first")
        services.carried.mark_lost(os.getpid())
        assert services.carried.lost() == []
        services.carried.forget(["first"])
    assert [event["event"] for event in logged] == [
        "carried_chunks_save_failed",
        "carried_chunks_report_failed",
        "lost_chunks_delete_failed",
    ]


def test_what_a_dead_child_carried_is_released_again_at_once_and_its_customers_are_free(
    services, book, server
):
    services.client.slow = {SLOW.customer.value}
    book.accept(*make_jobs(4))
    (chunk,) = book.release()
    handle_chunk(services, chunk.id, chunk.job_numbers, redelivered=False)
    wait_for(lambda: book.counts() == {State.ISSUED: 3, State.RUNNING: 1})
    services.carried.mark_lost(os.getpid())
    with capture_logs() as logged:
        assert run_release(services) == 1
    assert {event["event"] for event in logged} >= {"open_calls_lost", "leases_lapsed"}
    assert services.carried.lost() == []
    ((chunk_id, numbers),) = chunks(services.app)
    another = make_parts(server, book.ledger, broker_url=MEMORY_URL)
    handle_chunk(another, chunk_id, numbers, redelivered=False)
    assert book.counts() == {State.ISSUED: 4}
    end_parts(another)


def test_a_child_notes_the_chunks_whose_results_are_not_all_recorded(services, book, server):
    book.accept(*make_jobs(4))
    first, second = book.release(chunk_size=2)
    services.client.slow = {SLOW.customer.value, make_job(4).customer.value}
    handle_chunk(services, first.id, first.job_numbers, redelivered=False)
    handle_chunk(services, second.id, second.job_numbers, redelivered=False)
    assert set(services.recorder.open_chunks) == {first.id, second.id}
    services.carried.mark_lost(os.getpid())
    assert services.carried.lost() == sorted([first.id, second.id])
    let_go(services)
    assert services.recorder.await_all(5)
    wait_for(lambda: services.recorder.open_chunks == [])


def test_lost_chunks_are_kept_for_the_next_round_while_the_ledger_is_away(services, book):
    book.accept(make_job(1))
    (chunk,) = book.release()
    book.claim(chunk)
    _note(services, chunk.id)
    services.carried.mark_lost(os.getpid())
    with AbsentLedger(services.base.site.ledger_url) as ledger:
        services.ledger, ledger.absences = ledger, 1_000
        assert run_release(services) == 0
        ledger.absences = 0
        assert run_release(services) == 1


def test_a_worker_tells_of_each_child_that_has_ended_after_celery_has_seen_to_it():
    told, seen = [], []
    pool = SimpleNamespace(
        info={"processes": [11, 12]}, maintain_pool=lambda: seen.append(len(told))
    )
    hub = SimpleNamespace(
        call_repeatedly=lambda _seconds, look, *args: seen.append(lambda: look(*args))
    )
    watch = child_watch(told.append)(SimpleNamespace(pool=pool))
    watch.register_with_event_loop(SimpleNamespace(pool=pool), hub)
    look = seen.pop()
    look()
    assert told == []
    pool.info = {"processes": [12, 13]}
    look()
    look()
    assert told == [11]
    assert seen == [0, 0, 1]
