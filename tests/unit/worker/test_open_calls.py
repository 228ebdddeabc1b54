"""A child with open calls: its handler returns, and their results are recorded when they end."""

import asyncio
import os
import signal
import sys
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from issuance.states import State
from ledger.dead_letters.outbox import find_events
from tests.contract.ledger.build import make_job, make_jobs, refuse
from tests.unit.worker.build import settles
from tests.unit.worker.process import let_go, published_notices, wait_for
from tests.unit.worker.test_chunk_handler import UnavailableLedger
from worker import stopping
from worker.chunk_handler import handle_chunk

SLOW = make_job(2)


@pytest.fixture
def two_chunks(services, book):
    """Release two chunks of four jobs; the call for the second job hangs."""
    services.client.slow = {SLOW.customer.value}
    book.accept(*make_jobs(8))
    return book.release(chunk_size=4)


def _handle(services, chunk):
    return handle_chunk(services, chunk.message, redelivered=False).claimed


def test_the_handler_returns_while_a_call_hangs_and_its_outcome_is_recorded_later(
    services, book, two_chunks
):
    first, second = two_chunks
    assert _handle(services, first) == 4
    assert book.state(SLOW) is State.RUNNING
    assert _handle(services, second) == 4
    wait_for(lambda: book.counts() == {State.ISSUED: 7, State.RUNNING: 1})
    let_go(services)
    wait_for(lambda: book.counts() == {State.ISSUED: 8})
    assert len(services.client.starts) == 8


def test_results_before_the_hand_over_are_recorded_when_the_handler_returns(
    services, book, two_chunks
):
    first, _ = two_chunks
    services.carried.note = _AfterThreeResults(services, services.carried.note)
    _handle(services, first)
    assert book.counts() == {State.QUEUED: 4, State.ISSUED: 3, State.RUNNING: 1}


class _AfterThreeResults:
    """Saves a carried chunk when all but one of its calls have ended."""

    def __init__(self, services, note):
        self.services, self.note = services, note

    async def __call__(self, redis, chunk_ids):
        await settles(lambda: self.services.client.running.total() == 1)
        await asyncio.sleep(0.05)
        await self.note(redis, chunk_ids)


def test_a_refusal_after_the_hand_over_publishes_its_dead_letter(services, book, two_chunks):
    first, _ = two_chunks
    services.client.replies = {1: refuse()}
    _handle(services, first)
    wait_for(lambda: book.counts().get(State.ISSUED) == 3)
    assert book.letters() == []
    let_go(services)
    assert services.recorder.await_all(5)
    (notices,) = published_notices(services.app)
    (event,) = find_events(book.ledger, notices.letter_ids)
    assert event.job_id == SLOW.id


@pytest.fixture
def unavailable_ledger(services):
    """Give the process a ledger that can be unavailable."""
    with UnavailableLedger(services.base.servers.ledger_url) as ledger:
        services.ledger = ledger
        yield ledger


def test_a_carried_outcome_is_recorded_when_the_ledger_is_available_again(
    services, book, two_chunks, unavailable_ledger
):
    first, _ = two_chunks
    _handle(services, first)
    wait_for(lambda: book.counts().get(State.ISSUED) == 3)
    unavailable_ledger.failures_left = 1
    with capture_logs() as logged:
        let_go(services)
        assert services.recorder.await_all(5)
    assert book.state(SLOW) is State.ISSUED
    assert [event["event"] for event in logged].count("ledger_unavailable") == 1


def test_a_carried_outcome_not_recorded_in_time_is_dropped_and_the_next_chunk_runs(
    services, book, two_chunks, unavailable_ledger
):
    first, second = two_chunks
    short_deadline = {"lease_seconds": 0.2, "api_timeout_seconds": -30.0}
    services.settings = services.settings.model_copy(update=short_deadline)
    _handle(services, first)
    wait_for(lambda: book.counts().get(State.ISSUED) == 3)
    unavailable_ledger.failures_left = 1_000
    with capture_logs() as logged:
        let_go(services)
        assert services.recorder.await_all(5)
    (event,) = [event for event in logged if event["event"] == "recording_failed"]
    assert (event["chunk_id"], event["log_level"]) == (first.id, "error")
    assert isinstance(event["exc_info"], OperationalError)
    unavailable_ledger.failures_left = 0
    assert _handle(services, second) == 4
    wait_for(lambda: book.counts() == {State.ISSUED: 7, State.RUNNING: 1})


def test_a_carried_result_that_the_ledger_refuses_is_logged(services, book, two_chunks):
    first, _ = two_chunks
    _handle(services, first)
    with book.ledger.write() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER refuse BEFORE INSERT ON attempts "
                "BEGIN SELECT RAISE(ABORT, 'refused by the test'); END"
            )
        )
    with capture_logs() as logged:
        let_go(services)
        assert services.recorder.await_all(5)
    assert [event["request_id"] for event in logged if event["event"] == "result_refused"][-1:] == [
        SLOW.id
    ]


def test_an_ending_process_waits_for_its_open_calls_and_records_them(services, book, two_chunks):
    first, _ = two_chunks
    _handle(services, first)
    threading.Timer(0.2, let_go, [services]).start()
    services.finish()
    assert book.counts() == {State.QUEUED: 4, State.ISSUED: 4}


def test_an_ending_process_abandons_calls_that_take_too_long(
    services, book, two_chunks, monkeypatch
):
    first, _ = two_chunks
    _handle(services, first)
    monkeypatch.setattr("worker.services._FINISH_MARGIN_SECONDS", 0.1)
    services.settings = services.settings.model_copy(update={"api_timeout_seconds": 0.1})
    with capture_logs() as logged:
        services.finish()
    assert [event["event"] for event in logged] == ["open_calls_awaited", "open_calls_abandoned"]


def test_a_process_without_chunks_ends_at_once(services):
    services.finish()
    assert "recorder" not in services.__dict__


def test_a_stopping_worker_records_every_call_before_the_message_is_acknowledged(
    services, book, two_chunks, monkeypatch
):
    first, _ = two_chunks
    services.client.on_call = lambda call: monkeypatch.setattr(stopping, "_flag", bytes([call > 0]))
    threading.Timer(0.2, let_go, [services]).start()
    assert _handle(services, first) == 4
    counts = book.counts()
    assert counts.get(State.RUNNING, 0) == 0
    assert counts.get(State.WAITING, 0) + counts.get(State.ISSUED, 0) == 4


def test_a_child_that_gets_an_exit_signal_starts_no_call_and_records_the_open_ones(services, book):
    services.settings = services.settings.model_copy(update={"api_max_concurrent": 1})
    services.client.slow = {make_job(1).customer.value}
    book.accept(*make_jobs(3))
    (chunk,) = book.release()
    before = signal.signal(signal.SIGUSR1, lambda *_: sys.exit(1))
    services.client.on_call = lambda call: None if call else os.kill(os.getpid(), signal.SIGUSR1)
    try:
        with pytest.raises(SystemExit):
            _handle(services, chunk)
    finally:
        signal.signal(signal.SIGUSR1, before)
    let_go(services)
    services.finish()
    assert book.counts() == {State.ISSUED: 1, State.WAITING: 2}


def test_the_final_counts_are_shown_once_when_calls_end_after_the_handler(
    services, book, two_chunks
):
    first, _ = two_chunks
    shown = []
    early = handle_chunk(services, first.message, redelivered=False, show_end=shown.append)
    assert early.counts.get("issued", 0) < 4
    assert shown == []
    let_go(services)
    assert services.recorder.await_all(5)
    wait_for(lambda: shown)
    assert list(map(repr, shown)) == ["issued 4"]


def test_a_chunk_that_ends_with_its_task_is_not_shown_again(services, book):
    book.accept(make_job(1))
    (chunk,) = book.release()
    shown = []
    result = handle_chunk(services, chunk.message, redelivered=False, show_end=shown.append)
    assert services.recorder.await_all(5)
    assert (repr(result), shown) == ("issued 1", [])
