"""Traces begin at acceptance, or continue the caller's."""

import os

import pytest
from opentelemetry import trace
from sqlalchemy import select

from config.endpoints import Servers
from config.settings_reader import read_settings
from issuance.endpoint import Variant
from issuance.trace_context import TraceContext
from ledger.store.schema import jobs
from operations.services import Services
from producers import Producer
from producers.preparing import BlastOptions
from tests.collector import Collector

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def collector(monkeypatch):
    with Collector() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


def _stored(ledger):
    with ledger.read() as connection:
        return list(connection.execute(select(jobs.c.id, jobs.c.traceparent)))


def test_while_traces_are_off_the_callers_context_is_stored(settings, ledger):
    current = trace.SpanContext(17, 18, is_remote=False, trace_flags=trace.TraceFlags(1))
    with Producer(settings, Servers.of(settings)) as producer:
        producer.enqueue(mobile="919800000001", reward_id=1, traceparent=CALLER)
        producer.enqueue(mobile="919800000001", reward_id=1, traceparent="919800000001")
        producer.enqueue(mobile="919800000001", reward_id=1)
        with trace.use_span(trace.NonRecordingSpan(current)):
            producer.enqueue(mobile="919800000001", reward_id=1)
    own = f"00-{17:032x}-{18:016x}-01"
    assert [traceparent for _, traceparent in _stored(ledger)] == [CALLER, None, None, own]


def test_the_same_key_with_another_context_is_the_same_request(settings, ledger):
    with Producer(settings, Servers.of(settings)) as producer:
        first = producer.enqueue(mobile="919800000001", reward_id=1, key="a", traceparent=CALLER)
        second = producer.enqueue(mobile="919800000001", reward_id=1, key="a")
    assert (first.request_id, second.is_new) == (second.request_id, False)
    assert _stored(ledger) == [(first.request_id, CALLER)]


def test_each_row_of_a_file_begins_a_trace(collector, ledger, send, write_file):
    services = Services(read_settings(), Servers.of(read_settings()))
    path = write_file("919800000001,1001", "919800000002,1001", "wrong,1001")
    send(path, tracing=services.tracing)
    send(path, tracing=services.tracing)  # its rows are known: they begin none
    services.close()
    spans = {span.attributes["issuance.request_id"]: span for span in collector.spans}
    assert len(collector.spans) == 2
    for request_id, traceparent in _stored(ledger):
        context, span = TraceContext.parse(traceparent), spans[request_id]
        assert (span.trace_id, span.span_id) == (context.trace_id, context.span_id)
        assert (span.name, span.parent_id) == ("accept", "")
        assert span.attributes["issuance.campaign"] == "spring"


def test_grouped_rows_of_a_customer_that_were_split_have_one_span(
    collector, ledger, send, write_file
):
    services = Services(read_settings(), Servers.of(read_settings()))
    grouped = BlastOptions(group_by_customer=True)
    bulk = {"api_variant": Variant.BULK}
    send(write_file("919800000001,1001"), options=grouped, **bulk)
    longer = write_file("919800000001,1001", "919800000001,1002", "919800000001,1003")
    report = send(longer, options=grouped, tracing=services.tracing, **bulk)
    services.close()
    assert (report.known, report.accepted) == (1, 2)
    (span,) = collector.spans
    first, second = _stored(ledger)
    assert first.traceparent is None
    assert TraceContext.parse(second.traceparent).span_id == span.span_id


def test_a_fork_after_a_traced_call_exports_the_spans_of_both_processes_once(collector, ledger):
    settings = read_settings()
    with Producer(settings, Servers.of(settings)) as producer:
        producer.enqueue(mobile="919800000001", reward_id=1)  # opens the exporter
        child = os.fork()
        if child == 0:
            try:
                producer.enqueue(mobile="919800000002", reward_id=1)
                producer.close()
            except BaseException:  # noqa: BLE001  # a child of the test runner must end here
                os._exit(1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert len(collector.spans) == 1, "the child exports its own span, not its parent's"
        producer.enqueue(mobile="919800000003", reward_id=1)
    assert [span.name for span in collector.spans] == ["accept"] * 3
    ids = [request_id for request_id, _ in _stored(ledger)]
    assert [span.attributes["issuance.request_id"] for span in collector.spans] == ids
