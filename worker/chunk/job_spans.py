"""Spans of a chunk's jobs, made when their results are recorded.

All that they show is known then, so that a call costs nothing for its trace. Each traced job has
them in its own trace, below its acceptance: a chunk has as many parents as jobs, and a viewer shows
a tree of spans better than links between traces. The sampler's decision holds for the whole reward.

    accept
    ├─ wait     due → claimed
    └─ chunk    claimed → recorded
       ├─ call or reconcile
       └─ record
"""

import time
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import TYPE_CHECKING

import structlog

from issuance.outcome import Kind
from issuance.trace_context import TraceContext
from ledger.dispatch.claimed_jobs import Claim, ClaimedJob
from ledger.results.attempts import Attempt, GiveBack, Result, describe

if TYPE_CHECKING:
    from operations.tracing.spans import Attributes, Span, Tracing

log = structlog.get_logger("issuance.tracing")

_MS = 1_000_000
_SPAN_ID_BYTES = 8


def add_spans(tracing: "Tracing", claim: Claim, results: Iterable[Result], began_ns: int) -> None:
    """Make the spans of the traced jobs among recorded results. Never raises.

    Args:
        tracing: makes them.
        claim: the jobs' claim.
        results: of one chunk, recorded together.
        began_ns: when their recording began, since the epoch.
    """
    now_ns = time.time_ns()
    try:
        for result in results:
            if (parent := TraceContext.parse(result.job.traceparent)) is not None:
                _add(tracing, claim, result, parent, (began_ns, now_ns))
    except Exception:
        log.exception("spans_lost")  # the results are recorded, and they matter more


def _add(
    tracing: "Tracing",
    claim: Claim,
    result: Result,
    parent: TraceContext,
    recording: tuple[int, int],
) -> None:
    job = result.job
    ids: Attributes = {"request_id": job.id, "campaign": claim.campaign}
    claimed_ns = claim.claimed_at_ns
    began_ns, ended_ns = recording
    chunk = tracing.start(
        "chunk",
        parent=parent,
        start_ns=claimed_ns,
        kind="handles",
        attributes={
            **ids,
            "account": claim.account,
            "lane": claim.lane.value,
            "chunk_id": claim.chunk_id,
            "claims": job.claims,
            "generation": job.generation,
        },
    )
    if not chunk.is_recorded:
        return
    # The ledger's clock may be ahead of ours.
    due_ns = min(job.due_at_ms * _MS, claimed_ns)
    tracing.start("wait", parent=parent, start_ns=due_ns, attributes=ids).end(claimed_ns)
    if isinstance(result, Attempt):
        _add_call(tracing, claim, result, chunk, began_ns)
    record = tracing.start("record", parent=chunk.context, start_ns=began_ns, attributes=ids)
    record.end(ended_ns)
    because = result.because if isinstance(result, GiveBack) else None
    decision = "given back" if isinstance(result, GiveBack) else describe(result.decision)
    chunk.end(ended_ns, attributes={"decision": decision, "because": because})


def _add_call(
    tracing: "Tracing", claim: Claim, attempt: Attempt, chunk: "Span", latest_ns: int
) -> None:
    job, outcome = attempt.job, attempt.outcome
    is_read = job.fallback is not None
    # The attempt's times are in whole milliseconds: they must not leave the chunk's span.
    start_ns = max(attempt.started_at_ms * _MS, claim.claimed_at_ns)
    end_ns = max(start_ns, min((attempt.started_at_ms + attempt.took_ms) * _MS, latest_ns))
    call = tracing.start(
        "reconcile" if is_read else "call",
        parent=chunk.context,
        start_ns=start_ns,
        kind="calls",
        span_id=None if is_read else _call_span_id(claim.chunk_id, job),
        attributes={
            "request_id": job.id,
            "campaign": claim.campaign,
            "attempt": job.attempts + 1,
            "http.request.method": "GET" if is_read else "POST",
            "http.response.status_code": attempt.http_status,
            "outcome": outcome.kind.value,
            "code": outcome.code,
        },
    )
    failed = outcome.kind not in (Kind.ISSUED, Kind.PARTIAL)
    call.end(end_ns, error=outcome.kind.value if failed else None)


def call_context(chunk_id: str, tracing: "Tracing | None") -> Callable[[ClaimedJob], str | None]:
    """Return what gives the trace context that a job's call carries to the API.

    Without tracing here, it is the context of the acceptance, passed on as it is.

    Args:
        chunk_id: of the claim.
        tracing: makes the spans of the calls; None: there are none.
    """

    def traceparent_of(job: ClaimedJob) -> str | None:
        parent = TraceContext.parse(job.traceparent)
        if parent is None:
            return None
        if tracing is None:
            return str(parent)
        span_id = _call_span_id(chunk_id, job)
        return str(TraceContext(parent.trace_id, span_id, parent.is_sampled))

    return traceparent_of


def _call_span_id(chunk_id: str, job: ClaimedJob) -> str:
    """Return the id of the call's span, which is made after the call. A claim makes one call."""
    of_claim = f"{chunk_id} {job.number} {job.claims}".encode()
    return blake2b(of_claim, digest_size=_SPAN_ID_BYTES).hexdigest()
