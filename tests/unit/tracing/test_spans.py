"""Spans in memory: parents, sampling, and what they may hold."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs

from issuance.job import Lane
from issuance.trace_context import TraceContext
from operations.tracing.current import caller_context
from operations.tracing.provider import Ids
from operations.tracing.spans import Tracing
from producers.acceptance_spans import AcceptanceSpans
from tests.contract.ledger.build import make_job
from tests.unit.worker.build import claimed
from worker.chunk.job_spans import call_context

CALLER = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=True)
UNSAMPLED = TraceContext(CALLER.trace_id, CALLER.span_id, is_sampled=False)


@pytest.fixture
def memory():
    return InMemorySpanExporter()


@pytest.fixture
def tracing(memory):
    ids = Ids()
    provider = TracerProvider(id_generator=ids, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    made = Tracing(provider, ids)
    yield made
    made.close()


def _accept(tracing, *jobs, parent=None):
    spans = AcceptanceSpans(tracing, "diwali", "default", parent)
    return spans, list(spans.begin(jobs))


def test_each_job_begins_a_trace_and_is_stored_with_its_span(tracing, memory):
    spans, stored = _accept(tracing, make_job(1), make_job(2, rewards=(1001, 1002)))
    spans.end(stored)
    made = memory.get_finished_spans()
    assert len({span.context.trace_id for span in made}) == 2
    assert [str(TraceContext.parse(job.traceparent)) for job in stored] == [
        f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01" for span in made
    ]
    several = stored[1]
    assert dict(made[1].attributes) == {
        "issuance.request_id": several.id,
        "issuance.request_ids": tuple(line.request_id for line in several.lines),
        "issuance.campaign": "diwali",
        "issuance.account": "default",
        "issuance.lane": Lane.BLAST,
    }


def test_a_job_that_was_known_already_has_no_span(tracing, memory):
    spans, stored = _accept(tracing, make_job(1), make_job(2))
    spans.end(stored[1:])
    assert [span.attributes["issuance.request_id"] for span in memory.get_finished_spans()] == [
        stored[1].id
    ]


def test_a_span_of_the_thread_is_no_parent_unless_the_request_has_it(tracing, memory):
    with trace.use_span(trace.NonRecordingSpan(trace.SpanContext(5, 6, is_remote=False))):
        spans, stored = _accept(tracing, make_job(1))
    spans.end(stored)
    (span,) = memory.get_finished_spans()
    assert span.parent is None


def test_the_callers_decision_not_to_record_holds(tracing, memory):
    spans, (stored,) = _accept(tracing, make_job(1), parent=UNSAMPLED)
    spans.end([stored])
    assert memory.get_finished_spans() == ()
    assert TraceContext.parse(stored.traceparent).trace_id == UNSAMPLED.trace_id
    assert not TraceContext.parse(stored.traceparent).is_sampled


def test_the_standard_variables_choose_the_sampler(monkeypatch, memory):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.25")
    ids = Ids()
    provider = TracerProvider(id_generator=ids, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracing = Tracing(provider, ids)
    spans, stored = _accept(tracing, *(make_job(number) for number in range(1, 401)))
    spans.end(stored)
    traced = [job for job in stored if job.traceparent]
    assert len(memory.get_finished_spans()) == len(traced)  # the rest is stored without a context
    assert 50 < len(traced) < 160
    spans, (stored,) = _accept(tracing, make_job(999), parent=CALLER)
    assert TraceContext.parse(stored.traceparent).is_sampled, "the caller records its trace"
    tracing.close()


def test_without_tracing_the_job_keeps_its_callers_context():
    (job,) = AcceptanceSpans(None, "diwali", "default", CALLER).begin([make_job(1)])
    assert job.traceparent == str(CALLER)
    jobs = [make_job(1)]
    assert AcceptanceSpans(None, "diwali", "default").begin(jobs) is jobs  # at no cost


def test_the_callers_context_is_given_or_the_current_spans():
    assert caller_context(None) is None
    assert caller_context(str(CALLER)) == CALLER
    current = trace.SpanContext(17, 18, is_remote=False, trace_flags=trace.TraceFlags(1))
    with trace.use_span(trace.NonRecordingSpan(current)):
        assert caller_context(None) == TraceContext(f"{17:032x}", f"{18:016x}", is_sampled=True)
        assert caller_context(str(CALLER)) == CALLER


@pytest.mark.parametrize("wrong", ["919800000001", "", 17])
def test_a_wrong_context_is_ignored_and_its_text_not_logged(wrong):
    with capture_logs() as logs:
        assert caller_context(wrong) is None
    (entry,) = logs
    assert entry["event"] == "traceparent_ignored"
    assert str(wrong) not in {str(value) for value in entry.values()} or wrong == ""


def test_a_call_carries_the_span_that_is_made_after_it(tracing, memory):
    job = claimed(1, traceparent=str(CALLER))
    sent = TraceContext.parse(call_context("chunk", tracing)(job))
    assert (sent.trace_id, sent.is_sampled) == (CALLER.trace_id, True)
    tracing.start("call", parent=CALLER, attributes={}, span_id=sent.span_id).end()
    tracing.start("record", parent=CALLER, attributes={}).end()
    call, record = memory.get_finished_spans()
    assert f"{call.context.span_id:016x}" == sent.span_id
    assert record.context.span_id != call.context.span_id
    again = claimed(1, traceparent=str(CALLER), claims=2)
    assert call_context("chunk", tracing)(again) != call_context("chunk", tracing)(job)


def test_without_tracing_the_acceptances_context_is_passed_on():
    assert call_context("chunk", None)(claimed(1, traceparent=str(CALLER))) == str(CALLER)
    assert call_context("chunk", None)(claimed(1)) is None


def test_a_fork_leaves_the_spans_to_its_parent(tracing):
    ours, tracing._process_id = tracing._process_id, 1
    assert tracing.close()
    assert not tracing._ended.is_set()
    tracing._process_id = ours
