"""Traces of rewards through real processes, to a collector that decodes them."""

import signal
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import select

from issuance.states import State
from issuance.trace_context import TraceContext
from ledger.dispatch.cancellation import cancel_campaign
from ledger.queries.balance import balance
from ledger.queries.outcomes import outcomes
from ledger.store.schema import attempts, jobs
from producers import Producer
from tests.collector import Collector
from tests.contract.ledger.build import OPERATOR, make_jobs
from tests.integration.worker.system import wait_for

pytestmark = pytest.mark.processes

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
_ONLY_AT_THE_END = {"OTEL_BSP_SCHEDULE_DELAY": "600000", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "5000"}
"""Spans are exported only when their process ends: what is not flushed then is lost."""
_OF_A_CALL = {"chunk": 1, "wait": 1, "call": 1, "record": 1}
_CLOSE_SECONDS = 3.0
_CHILD_ENDS_SECONDS = 1.0
"""billiard's own pause before a child ends."""
_BUSY_MACHINE_SECONDS = 6.0


@pytest.fixture
def collector():
    with Collector() as running:
        yield running


def _traced(campaign: str, count: int, **options):
    """Jobs that a caller traces, each with a span of its own as parent."""
    return [
        replace(job, traceparent=f"00-{number:032x}-{number:016x}-01")
        for number, job in enumerate(make_jobs(count, campaign=campaign, **options), 1)
    ]


def _is_settled(desk, count):
    found = balance(desk.ledger, desk.campaign.name)
    return found.campaign.accepted_lines == count and found.unsettled == 0


def _settled(desk, count):
    wait_for(lambda: _is_settled(desk, count))


def _release_until_settled(system, desk, count):
    """For jobs that are called more than once."""
    wait_for(lambda: _is_settled(desk, count) or system.release() < 0)


def _names(collector, job):
    return Counter(span.name for span in collector.of(job.id))


@contextmanager
def _producer(system, collector, monkeypatch):
    for name, value in collector.environment.items():
        monkeypatch.setenv(name, value)
    base = system.services.base
    settings = base.settings.model_copy(update={"tracing": "otlp"})
    with Producer(settings, base.servers) as made:
        yield made


def test_one_trace_shows_a_reward_from_its_caller_to_its_record(
    system, desk, collector, monkeypatch
):
    name = desk.campaign.name
    with _producer(system, collector, monkeypatch) as producer:
        reward = producer.enqueue(
            mobile="919800000001", reward_id=1001, campaign=name, traceparent=CALLER
        )
    with system.worker("issuance.background", pool="prefork", **collector.environment):
        system.release()
        _settled(desk, 1)
    caller = TraceContext.parse(CALLER)
    spans = {span.name: span for span in collector.of(reward.request_id)}
    assert {span.trace_id for span in spans.values()} == {caller.trace_id}
    accept, wait, chunk = spans["accept"], spans["wait"], spans["chunk"]
    parents = {span.name: span.parent_id for span in spans.values()}
    assert parents == {
        "accept": caller.span_id,
        "wait": accept.span_id,
        "chunk": accept.span_id,
        "call": chunk.span_id,
        "record": chunk.span_id,
    }
    assert len(collector.spans) == 5
    assert {span.attributes["issuance.campaign"] for span in spans.values()} == {name}
    call, record = spans["call"], spans["record"]
    assert wait.start_ns <= accept.end_ns <= wait.end_ns == chunk.start_ns <= call.start_ns
    assert call.start_ns <= call.end_ns <= record.start_ns <= record.end_ns == chunk.end_ns
    assert call.attributes["http.response.status_code"] == 200
    assert chunk.attributes["issuance.decision"] == "settle issued"
    assert not any(span.is_error for span in spans.values())
    assert {span.service for span in spans.values()} == {"reward-issuance"}


def test_a_terminated_worker_loses_no_span(system, desk, collector):
    made = _traced(desk.campaign.name, 120)
    system.simulator.switch(latency_seconds=0.4)
    desk.accept(*made)
    few_at_once = {"ISSUANCE_API_MAX_CONCURRENT": "10"}
    try:
        with system.worker(
            "issuance.blast",
            pool="prefork",
            **collector.environment,
            **_ONLY_AT_THE_END,
            **few_at_once,
        ) as worker:
            system.release()
            wait_for(lambda: desk.counts().get(State.ISSUED, 0) >= 10)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
    finally:
        system.simulator.switch(latency_seconds=0)
        cancel_campaign(desk.ledger, desk.campaign.name, OPERATOR)
    with system.services.ledger.read() as connection:
        numbers = select(jobs.c.number).where(jobs.c.campaign_id == desk.campaign.id)
        calls = connection.execute(select(attempts).where(attempts.c.job_number.in_(numbers))).all()
    assert 10 <= len(calls) < 120, "the worker stopped in the middle of its chunk"
    found = Counter(span.name for span in collector.spans)
    assert found == {"wait": 120, "chunk": 120, "record": 120, "call": len(calls)}
    given_back = [s for s in collector.spans if s.attributes.get("issuance.because")]
    assert len(given_back) == 120 - len(calls)


def test_a_recycled_child_loses_no_span(system, desk, collector):
    made = _traced(desk.campaign.name, 30)
    desk.accept(*made)
    once = ("--max-tasks-per-child", "1")
    with system.worker(
        "issuance.blast", pool="prefork", options=once, **collector.environment, **_ONLY_AT_THE_END
    ):
        for chunk in desk.release(chunk_size=10):
            system.publish(chunk.message)
        _settled(desk, 30)
        # While the worker runs: only the ends of its children export anything.
        wait_for(lambda: len(collector.spans) == 30 * len(_OF_A_CALL))
    assert all(_names(collector, job) == _OF_A_CALL for job in made)


def test_a_silent_collector_delays_neither_the_calls_nor_the_end(system, desk):
    with Collector(hangs=True) as silent:
        at_once = {"OTEL_BSP_SCHEDULE_DELAY": "50"}
        desk.accept(*_traced(desk.campaign.name, 20))
        with system.worker(
            "issuance.blast", pool="prefork", **silent.environment, **at_once
        ) as worker:
            system.release()
            _settled(desk, 20)
            assert silent.requests.acquire(timeout=20), "the first spans are on their way"
            desk.accept(*_traced(desk.campaign.name, 200, first=100))
            system.release()
            _settled(desk, 220)  # while the collector holds the first request
            began = time.monotonic()
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
            took = time.monotonic() - began
    assert took < _CLOSE_SECONDS + _CHILD_ENDS_SECONDS + _BUSY_MACHINE_SECONDS
    assert system.events(event="traces_abandoned")


def test_an_absent_collector_stops_nothing(system, desk):
    with Collector() as gone:
        nowhere = gone.environment
    desk.accept(*_traced(desk.campaign.name, 20))
    with system.worker("issuance.blast", pool="prefork", **nowhere) as worker:
        system.release()
        _settled(desk, 20)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0


def test_a_job_without_a_context_and_an_unsampled_one_have_no_spans(system, desk, collector):
    traced, not_sampled, plain = make_jobs(3, campaign=desk.campaign.name)
    traced = replace(traced, traceparent=CALLER)
    not_sampled = replace(not_sampled, traceparent=CALLER.removesuffix("01") + "00")
    desk.accept(traced, not_sampled, plain)
    with system.worker("issuance.blast", **collector.environment):  # in the process itself
        system.release()
        _settled(desk, 3)
    assert _names(collector, traced) == _OF_A_CALL
    assert len(collector.spans) == len(_OF_A_CALL)


def test_each_claim_has_its_own_spans_in_the_trace_of_the_reward(system, desk, collector):
    (job,) = _traced(desk.campaign.name, 1)
    system.simulator.faults(customers={job.customer.value: [{"kind": "503"}]})
    desk.accept(job)
    soon = {"ISSUANCE_RETRY_BASE_SECONDS": "0.1"}
    with system.worker("issuance.blast", **collector.environment, **soon):
        _release_until_settled(system, desk, 1)
    assert _names(collector, job) == dict.fromkeys(_OF_A_CALL, 2)
    first, second = collector.of(job.id, "call")
    assert (first.is_error, second.is_error) == (True, False)
    assert first.attributes["http.response.status_code"] == 503
    again = collector.of(job.id, "wait")[1]
    assert again.start_ns >= first.end_ns, "the second wait begins after the delay of the first"
    assert len({span.trace_id for span in collector.spans}) == 1


def test_no_span_shows_a_customer_or_a_voucher(system, desk, collector):
    name = desk.campaign.name
    issued, refused, silent, spoilt = _traced(name, 4, first=7001, rewards=(1001, 1004))
    message = f"Customer {refused.customer.value} (asha.rao@mail.example) is not valid"
    system.simulator.faults(
        customers={
            refused.customer.value: [{"kind": "outcome", "code": 8003, "message": message}],
            silent.customer.value: [{"kind": "timeout_after_commit", "hold_seconds": 2}],
            spoilt.customer.value: [{"kind": "truncated_json_after_commit"}],
        }
    )
    short = {
        "ISSUANCE_API_TIMEOUT_SECONDS": "1",
        "ISSUANCE_RETRY_BASE_SECONDS": "0.1",
        "ISSUANCE_RETRY_MAX_ATTEMPTS": "2",
        "ISSUANCE_RECONCILE_DELAYS_SECONDS": "0.1",
    }
    with system.worker("issuance.blast", **collector.environment, **short):
        desk.accept(issued, refused, silent, spoilt)
        _release_until_settled(system, desk, 8)
    for job in (issued, refused, silent, spoilt):
        assert _names(collector, job)["call"] >= 1
    lines = list(outcomes(system.services.ledger, desk.campaign))
    vouchers = [voucher for line in lines for voucher in line.vouchers]
    assert vouchers
    secrets = [
        "asha.rao",
        *vouchers,
        *(each.customer.value for each in (issued, refused, silent, spoilt)),
    ]
    sent = b"\n".join(collector.raw).decode(errors="replace")
    assert [secret for secret in secrets if secret in sent] == []
