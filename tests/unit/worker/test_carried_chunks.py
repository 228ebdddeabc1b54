"""Chunks of dead children: saved by the child, marked by its worker, released again at once."""

import os
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from issuance.states import State
from tests.contract.ledger.build import make_job, make_jobs
from tests.unit.worker.process import (
    MEMORY_URL,
    chunk_messages,
    end_services,
    let_go,
    make_services,
    wait_for,
)
from tests.unit.worker.test_chunk_handler import UnavailableLedger
from worker.child_watch import child_watch
from worker.chunk_handler import handle_chunk
from worker.dispatcher import run_release

SLOW = make_job(2)


def _save(services, *chunk_ids):
    services.start(services.carried.note(services.limits.redis, chunk_ids)).result(5)


def test_only_the_chunks_of_a_dead_child_are_lost(services):
    _save(services, "first", "second")
    services.carried.mark_lost(os.getpid() + 1)
    assert services.carried.lost() == []
    services.carried.mark_lost(os.getpid())
    assert services.carried.lost() == ["first", "second"]


def test_a_chunk_whose_calls_have_ended_is_not_lost(services):
    _save(services, "first")
    _save(services, "second")
    services.carried.mark_lost(os.getpid())
    assert services.carried.lost() == ["second"]


@pytest.mark.parametrize("taken", [False, True])
def test_a_chunk_whose_message_is_redelivered_is_not_lost(services, taken):
    _save(services, "first")
    services.orphans.report("first")
    assert not taken or services.orphans.take("first")
    services.carried.mark_lost(os.getpid())
    assert services.carried.lost() == []


def test_without_redis_failures_are_logged_and_no_chunk_is_lost(services, server):
    server.connected = False
    with capture_logs() as logged:
        _save(services, "first")
        services.carried.mark_lost(os.getpid())
        assert services.carried.lost() == []
        services.carried.forget(["first"])
    assert [event["event"] for event in logged] == [
        "carried_chunks_save_failed",
        "carried_chunks_report_failed",
        "lost_chunks_delete_failed",
    ]


def test_a_dead_childs_open_jobs_are_released_at_once_and_their_customers_unlocked(
    services, book, server
):
    services.client.slow = {SLOW.customer.value}
    book.accept(*make_jobs(4))
    (chunk,) = book.release()
    handle_chunk(services, chunk.message, redelivered=False)
    wait_for(lambda: book.counts() == {State.ISSUED: 3, State.RUNNING: 1})
    services.carried.mark_lost(os.getpid())
    with capture_logs() as logged:
        assert run_release(services) == 1
    assert {event["event"] for event in logged} >= {"open_calls_lost", "leases_lapsed"}
    assert services.carried.lost() == []
    (message,) = chunk_messages(services)
    another = make_services(server, book.ledger, broker_url=MEMORY_URL)
    handle_chunk(another, message, redelivered=False)
    assert book.counts() == {State.ISSUED: 4}
    end_services(another)


def test_a_child_saves_the_chunks_whose_results_are_not_all_recorded(services, book, server):
    book.accept(*make_jobs(4))
    first, second = book.release(chunk_size=2)
    services.client.slow = {SLOW.customer.value, make_job(4).customer.value}
    handle_chunk(services, first.message, redelivered=False)
    handle_chunk(services, second.message, redelivered=False)
    assert set(services.recorder.open_chunks) == {first.id, second.id}
    services.carried.mark_lost(os.getpid())
    assert services.carried.lost() == sorted([first.id, second.id])
    let_go(services)
    assert services.recorder.await_all(5)
    wait_for(lambda: services.recorder.open_chunks == [])


def test_lost_chunks_are_kept_for_the_next_round_while_the_ledger_is_unavailable(services, book):
    book.accept(make_job(1))
    (chunk,) = book.release()
    book.claim(chunk)
    _save(services, chunk.id)
    services.carried.mark_lost(os.getpid())
    with UnavailableLedger(services.base.servers.ledger_url) as ledger:
        services.ledger, ledger.failures_left = ledger, 1_000
        assert run_release(services) == 0
        ledger.failures_left = 0
        assert run_release(services) == 1


def test_a_worker_reports_each_dead_child_after_celerys_own_check():
    reported, seen = [], []
    pool = SimpleNamespace(
        info={"processes": [11, 12]}, maintain_pool=lambda: seen.append(len(reported))
    )
    hub = SimpleNamespace(
        call_repeatedly=lambda _seconds, check, *args: seen.append(lambda: check(*args))
    )
    worker = SimpleNamespace(pool=pool, hostname="worker@h")
    watch = child_watch(lambda *death: reported.append(death))(worker)
    watch.register_with_event_loop(SimpleNamespace(pool=pool), hub)
    check = seen.pop()
    check()
    assert reported == []
    pool.info = {"processes": [12, 13]}
    check()
    check()
    assert reported == [(11, "worker@h")]
    assert seen == [0, 0, 1]
