"""Spans of acceptance: where the trace of a reward begins, or continues its caller's."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from issuance.job import Job
from issuance.trace_context import TraceContext

if TYPE_CHECKING:
    from operations.tracing.spans import Attributes, Span, Tracing


class AcceptanceSpans:
    """The spans of jobs that are being accepted into one campaign.

    Each job has its own: the trace of a million rewards would open in no viewer. Without tracing
    the jobs still get their caller's context, for workers that trace.

    Args:
        tracing: None: there are no spans.
        campaign: the campaign's name.
        account: its API account.
        parent: the caller's context; None: a trace of its own for each job.
    """

    def __init__(
        self,
        tracing: "Tracing | None",
        campaign: str,
        account: str,
        parent: TraceContext | None = None,
    ) -> None:
        self._tracing = tracing
        self._campaign = campaign
        self._account = account
        self._parent = parent
        self._begun: dict[str, Span] = {}

    def begin(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """Begin a span for each job; return the jobs with the context that they are stored with."""
        if self._tracing is not None:
            return [self._begin(self._tracing, job) for job in jobs]
        if self._parent is not None:
            return [replace(job, traceparent=str(self._parent)) for job in jobs]
        return jobs

    def _begin(self, tracing: "Tracing", job: Job) -> Job:
        span = tracing.start(
            "accept", parent=self._parent, kind="accepts", attributes=self._attributes(job)
        )
        if not span.is_recorded and self._parent is None:
            return job  # stored without a context, its worker makes no spans either
        traceparent = str(span.context)
        if span.is_recorded:
            self._begun[traceparent] = span
        return replace(job, traceparent=traceparent)

    def _attributes(self, job: Job) -> "Attributes":
        several = len(job.lines) > 1
        return {
            "request_id": job.id,
            "request_ids": tuple(line.request_id for line in job.lines) if several else None,
            "campaign": self._campaign,
            "account": self._account,
            "lane": job.lane.value,
        }

    def end(self, accepted: Iterable[Job]) -> None:
        """End the spans of the jobs that are committed; those of the others are dropped."""
        for job in accepted:
            # A job that was split has one span; the first of its parts ends it.
            span = self._begun.pop(job.traceparent, None) if job.traceparent else None
            if span is not None:
                span.end()
        self._begun.clear()
