"""A worker child handles a chunk on a real ledger: it claims, issues, records and logs."""

import os
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from structlog.testing import capture_logs

from issuance.redrive.rules import Verb
from issuance.states import State
from ledger.campaigns import ensure_campaign
from ledger.dead_letters.outbox import find_events
from ledger.store.clock import instant
from ledger.store.database import Ledger
from tests.contract.ledger.build import (
    LIMIT_CODE,
    TIMEOUT,
    Desk,
    answer,
    make_job,
    make_jobs,
    refuse,
    say,
)
from tests.unit.worker.process import (
    MEMORY_URL,
    end_services,
    make_services,
    published_notices,
    wake_ups,
)
from worker.chunk_handler import handle_chunk


class UnavailableLedger(Ledger):
    """A ledger whose transactions fail `failures_left` times before they work."""

    failures_left = 0

    def write(self):
        if self.failures_left:
            self.failures_left -= 1
            raise OperationalError("SELECT 1", {}, OSError("server closed the connection"))
        return super().write()


def _handle(services, chunk, *, redelivered=False):
    return handle_chunk(services, chunk.message, redelivered=redelivered).claimed


def _events(logged, name):
    return [event for event in logged if event["event"] == name]


def test_a_chunk_is_issued_and_recorded_before_its_message_is_acknowledged(services, book):
    book.accept(*make_jobs(5))
    (chunk,) = book.release()
    assert _handle(services, chunk) == 5
    assert book.counts() == {State.ISSUED: 5}


def test_a_used_up_limit_is_deferred_until_midnight_of_the_brand(server, ledger):
    made = make_services(
        server, ledger, broker_url=MEMORY_URL, api_time_zone="Pacific/Kiritimati"
    )  # 14 hours ahead of UTC
    made.client.always = refuse(LIMIT_CODE, "Max limit for the DAYS is reached")
    book = Desk(ledger, ensure_campaign(ledger, "patient", defers_limits=True))
    book.accept(make_job(campaign="patient"))
    (chunk,) = book.release()
    _handle(made, chunk)
    due = instant(book.row(make_job(campaign="patient").id).due_at)
    end_services(made)
    local = due.astimezone(ZoneInfo("Pacific/Kiritimati"))
    assert (local.hour, local.minute < 11) == (0, True)


def test_a_duplicate_message_claims_nothing_and_makes_no_call(services, book):
    book.accept(*make_jobs(2))
    (chunk,) = book.release()
    _handle(services, chunk)
    assert _handle(services, chunk) == 0
    assert len(services.client.starts) == 2


def test_a_redelivered_message_claims_the_jobs_of_its_dead_child(services, book):
    book.accept(make_job(1))
    (chunk,) = book.release()
    book.claim(chunk)
    services.orphans.report(chunk.id)
    assert _handle(services, chunk) == 0
    assert _handle(services, chunk, redelivered=True) == 1
    assert book.counts() == {State.ISSUED: 1}


def test_a_redelivered_message_claims_nothing_while_the_first_delivery_is_processed(services, book):
    book.accept(make_job(1))
    (chunk,) = book.release()
    book.claim(chunk)
    assert _handle(services, chunk, redelivered=True) == 0
    assert book.counts() == {State.RUNNING: 1}


def test_only_one_of_two_redelivered_messages_claims_the_jobs_of_a_dead_child(services, book):
    book.accept(make_job(1))
    (chunk,) = book.release()
    book.claim(chunk)
    services.orphans.report(chunk.id)
    assert services.orphans.take(chunk.id)
    assert _handle(services, chunk, redelivered=True) == 0
    assert book.counts() == {State.RUNNING: 1}


def test_jobs_released_alone_do_not_wait_for_the_locks_of_their_dead_child(services, book):
    book.accept(*make_jobs(2))
    (chunk,) = book.release()
    held = book.claim(chunk)
    locked = [services.fingerprints.of(job.customer) for job in held.jobs]
    services.start(services.limits.locks.acquire(chunk.id, locked, 60)).result()
    book.claim(chunk, orphaned=True)
    services.orphans.report(chunk.id)
    assert _handle(services, chunk, redelivered=True) == 0
    assert [_handle(services, alone) for alone in book.release()] == [1, 1]
    assert book.counts() == {State.ISSUED: 2}


def test_without_redis_a_dead_childs_jobs_wait_until_their_lease_ends(services, book, server):
    book.accept(make_job(1))
    (chunk,) = book.release()
    book.claim(chunk)
    server.connected = False
    services.orphans.report(chunk.id)
    assert _handle(services, chunk, redelivered=True) == 0
    assert book.counts() == {State.RUNNING: 1}


def test_unsent_jobs_wait_in_the_ledger_without_a_counted_attempt(services, book):
    job = make_job(1)
    book.accept(job)
    (chunk,) = book.release()
    services.limiter.pause(book.campaign.id)
    _handle(services, chunk)
    row = book.row(job.id)
    assert (row.state, row.attempts, row.claims, row.lease_until) == (State.WAITING, 0, 0, None)


def test_a_release_is_requested_after_each_chunk(services, book):
    book.accept(make_job(1))
    (chunk,) = book.release()
    _handle(services, chunk)
    assert wake_ups(services.app) == 1


def test_each_attempt_is_logged_once_with_its_ids_and_no_customer_data(services, book):
    jobs = make_jobs(3)
    book.accept(*jobs)
    (chunk,) = book.release()
    services.client.replies[1] = refuse()
    with capture_logs() as logged:
        _handle(services, chunk)
    attempts = _events(logged, "attempt_recorded")
    assert sorted(event["request_id"] for event in attempts) == sorted(job.id for job in jobs)
    assert sorted(event["decision"] for event in attempts) == [
        "settle failed",
        "settle issued",
        "settle issued",
    ]
    assert {(event["campaign"], event["chunk_id"], event["attempt"]) for event in attempts} == {
        ("diwali", chunk.id, 1)
    }
    assert not any(job.customer.value in str(logged) for job in jobs)


def test_a_message_is_logged_without_the_vouchers_and_the_customer_of_its_job(services, book):
    job = make_job(1)
    book.accept(job)
    (chunk,) = book.release()
    shown = say(job.lines[0], 8010, vouchers=["summer-treat"])
    shown["status"]["message"] = f"Summer-Treat was given to {job.customer.value}"
    services.client.replies[0] = answer(shown)
    with capture_logs() as logged:
        _handle(services, chunk)
    (event,) = _events(logged, "attempt_recorded")
    assert event["message"] == "**** was given to ****"
    (opened,) = _events(logged, "dead_letter_opened")
    assert opened["message"] == "**** was given to ****"
    assert "treat" not in str(logged).lower()


def test_a_voucher_of_an_earlier_attempt_is_not_logged_either(services, book):
    job = make_job(1)
    book.settle(job, answer(say(job.lines[0], 8010, vouchers=["summer-treat"])))
    book.redrive(Verb.RESEND)
    (chunk,) = book.release()
    services.client.replies[0] = refuse(8003, "summer-treat is used")
    with capture_logs() as logged:
        _handle(services, chunk)
    (event,) = _events(logged, "attempt_recorded")
    assert event["message"] == "**** is used"
    assert "treat" not in str(logged)


def test_an_attempt_of_several_lines_logs_every_request_id(services, book):
    job = make_job(1, rewards=(1, 2, 3))
    book.accept(job)
    (chunk,) = book.release()
    with capture_logs() as logged:
        _handle(services, chunk)
    (event,) = _events(logged, "attempt_recorded")
    assert event["request_ids"] == [line.request_id for line in job.lines]


def test_only_attempts_that_need_an_operator_are_warnings(services, book):
    book.accept(*make_jobs(2))
    (chunk,) = book.release()
    services.client.replies = {0: refuse(), 1: TIMEOUT}
    with capture_logs() as logged:
        _handle(services, chunk)
    levels = {
        event["outcome"]: (event["log_level"], event["reason"])
        for event in _events(logged, "attempt_recorded")
    }
    assert levels == {"failed": ("warning", "failed"), "in_doubt": ("info", None)}


def test_a_worker_publishes_its_own_dead_letters_only(services, book):
    book.settle(make_job(9), refuse())
    book.accept(make_job(1))
    (chunk,) = book.release()
    services.client.always = refuse()
    _handle(services, chunk)
    (notices,) = published_notices(services.app)
    (event,) = find_events(book.ledger, notices.letter_ids)
    assert event.job_id == make_job(1).id
    assert (event.campaign, event.reason) == ("diwali", "failed")


def test_outcomes_are_recorded_while_the_broker_is_unavailable(brokerless_services, book):
    book.accept(*make_jobs(3))
    (chunk,) = book.release()
    brokerless_services.client.always = refuse()
    _handle(brokerless_services, chunk)
    assert book.counts() == {State.FAILED: 3}


def test_outcomes_are_recorded_when_the_ledger_is_available_again(services, book):
    book.accept(*make_jobs(3))
    (chunk,) = book.release()
    with UnavailableLedger(services.base.servers.ledger_url) as ledger:
        services.ledger = ledger
        services.client.on_call = lambda call: setattr(
            ledger, "failures_left", 1 if call == 0 else ledger.failures_left
        )
        with capture_logs() as logged:
            _handle(services, chunk)
    assert book.counts() == {State.ISSUED: 3}
    assert len(_events(logged, "ledger_unavailable")) == 1
    assert len(_events(logged, "attempt_recorded")) == 3


def test_a_claim_is_retried_until_the_ledger_is_available(services, book):
    book.accept(make_job(1))
    (chunk,) = book.release()
    with UnavailableLedger(services.base.servers.ledger_url) as ledger:
        services.ledger, ledger.failures_left = ledger, 1
        assert _handle(services, chunk) == 1


def test_a_ledger_unavailable_beyond_the_lease_ends_the_chunks_calls(services, book):
    book.accept(*make_jobs(200))
    (chunk,) = book.release()
    short_deadline = {"lease_seconds": 0.2, "api_timeout_seconds": -30.0, "api_max_concurrent": 1}
    services.settings = services.settings.model_copy(update=short_deadline)
    services.client.latency_seconds = 0.02
    with UnavailableLedger(services.base.servers.ledger_url) as ledger:
        services.ledger = ledger
        services.client.on_call = lambda _: setattr(ledger, "failures_left", 1_000)
        with pytest.raises(DBAPIError):
            _handle(services, chunk)
    assert len(services.client.starts) < 200
    assert services.client.running.total() == 0


def test_a_result_that_the_ledger_refuses_does_not_affect_the_others(services, book):
    jobs = make_jobs(4)
    book.accept(*jobs)
    (chunk,) = book.release()
    with book.ledger.write() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER refuse BEFORE INSERT ON attempts WHEN NEW.job_number = "
                f"{chunk.job_numbers[1]} BEGIN SELECT RAISE(ABORT, 'refused by the test'); END"
            )
        )
    with capture_logs() as logged:
        _handle(services, chunk)
    states = {job.id: book.state(job) for job in jobs}
    assert sorted(states.values()) == sorted(
        [State.RUNNING, State.ISSUED, State.ISSUED, State.ISSUED]
    )
    (refused,) = _events(logged, "result_refused")
    assert states[refused["request_id"]] is State.RUNNING
    assert len(_events(logged, "attempt_recorded")) == 3


def test_a_worker_without_an_api_claims_nothing(services, book):
    del services.__dict__["client"]
    services.base = replace(services.base, servers=replace(services.base.servers, api_url=""))
    job = make_job(1)
    book.accept(job)
    (chunk,) = book.release()
    with pytest.raises(ValueError, match="ISSUANCE_API_URL"):
        _handle(services, chunk)
    assert book.state(job) is State.QUEUED


def _draw_after_fork(services) -> bytes:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, str(services.rng.random()).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader, "rb") as drawn:
        return drawn.read()


def test_the_children_of_a_worker_draw_different_jitter(services):
    assert _draw_after_fork(services) != _draw_after_fork(services)


def test_without_redis_a_chunk_is_given_back_unsent(services, book, server):
    job = make_job(1)
    book.accept(job)
    (chunk,) = book.release()
    server.connected = False
    _handle(services, chunk)
    assert book.state(job) is State.WAITING
    assert services.client.starts == []
