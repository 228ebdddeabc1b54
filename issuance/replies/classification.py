"""Classify a reply: the body decides for each line; HTTP status is a hint (design rule 8)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from issuance.endpoint import Variant
from issuance.job import Line
from issuance.outcome import Kind, LineOutcome, Outcome, Reason, Refusal
from issuance.replies.answer import IssueAnswer, read_issue_answer, was_an_answer
from issuance.replies.job_verdict import fold
from issuance.replies.line_verdict import judge_line
from issuance.replies.matching import match_elements
from issuance.replies.reply import Answer, NoAnswer, Reply

# What the HTTP status means when the body cannot be read (rewards-api §4.1, §6.2).
_HTTP_BAD_REQUEST = 400
_HTTP_REDIRECTS = range(300, 400)
_HTTP_TRANSIENT = frozenset({408, 425, 461})
# Refused by the edge: access, address, method, size or form of the call, or the network's log-in.
_HTTP_UNPROCESSED = frozenset({403, 404, 405, 407, 410, 411, 413, 414, 415}) | frozenset(
    {421, 423, 426, 431, 451, 505, 511}
)
_HTTP_OTHER_REFUSAL = range(401, 500)
_REFUSALS = {401: Refusal.UNAUTHORISED, 429: Refusal.THROTTLED}


def classify(lines: Sequence[Line], variant: Variant, reply: Reply, *, resent: bool) -> Outcome:
    """Classify a reply for a job's lines. Never raises, whatever the API sent.

    Args:
        lines: the job's lines, in the order of the body.
        variant: the endpoint that was called.
        reply: the API's answer, or why there is none.
        resent: whether an earlier attempt may have reached the API. Then "Duplicate requestId" and
            a success with too few units prove nothing: the reads must decide (§5).
    """
    match reply:
        case NoAnswer(sent=False):
            outcome = _unread(
                lines, Kind.TRANSIENT, Reason.EXHAUSTED, None, f"{reply.kind}: {reply.detail}"
            )
            return replace(outcome, by_edge=reply.kind == "token")
        case NoAnswer():
            return _unread(
                lines, Kind.IN_DOUBT, Reason.IN_DOUBT, None, f"{reply.kind}: {reply.detail}"
            )
        case Answer():
            answer = read_issue_answer(reply.body)
            if answer is None:
                return _by_http(lines, reply)
            return _by_body(lines, variant, reply, answer, resent=resent)
        case _:  # pragma: no cover - mypy proves that nothing gets here
            assert_never(reply)


def _by_http(lines: Sequence[Line], reply: Answer) -> Outcome:
    kind, reason = _read_http(reply.status)
    if reply.status == _HTTP_BAD_REQUEST and was_an_answer(reply.body):
        # In one documented mode every refusal has status 400, and so has 8010 with units (§4.1).
        kind, reason = Kind.IN_DOUBT, Reason.IN_DOUBT
    outcome = _unread(
        lines, kind, reason, reply.status, describe_page(reply), retry_after=reply.retry_after
    )
    return replace(outcome, by_edge=kind is Kind.FAILED)


def describe_page(answer: Answer) -> str:
    """Describe an answer without the API's body in a few words: `HTTP 403 text/html`."""
    if answer.redirected_to is not None:
        host = answer.redirected_to
        return f"HTTP {answer.status} to {host} (redirected to {host}: correct ISSUANCE_API_URL)"
    if answer.media_type is not None:
        return f"HTTP {answer.status} {answer.media_type}"
    return f"HTTP {answer.status} without a readable body"


def _read_http(status: int) -> tuple[Kind, Reason | None]:
    if status in _REFUSALS:
        return Kind.DEFERRED, None
    if status in _HTTP_TRANSIENT:
        return Kind.TRANSIENT, Reason.EXHAUSTED
    if status in _HTTP_UNPROCESSED or status in _HTTP_REDIRECTS:
        return Kind.FAILED, Reason.UNPROCESSED
    if status == _HTTP_BAD_REQUEST:
        return Kind.FAILED, Reason.FAILED
    if status in _HTTP_OTHER_REFUSAL:
        return Kind.FAILED, Reason.UNKNOWN_CODE
    # Also 503 and 521: without the API's own body the call may have been processed.
    return Kind.IN_DOUBT, Reason.IN_DOUBT


def _by_body(
    lines: Sequence[Line], variant: Variant, reply: Answer, answer: IssueAnswer, *, resent: bool
) -> Outcome:
    code, message = answer.status.code, answer.status.message or ""
    if code in _REFUSALS and not answer.elements and not answer.shows_anything:
        return _whole(lines, Kind.DEFERRED, None, code, message, retry_after=reply.retry_after)
    counted = variant.endpoint.counts_units
    outcomes = [
        judge_line(line, mention, answer, counted=counted, resent=resent)
        for line, mention in zip(lines, match_elements(lines, answer), strict=True)
    ]
    return fold(outcomes, answer, retry_after=reply.retry_after, resent=resent)


def _whole(
    lines: Sequence[Line],
    kind: Kind,
    reason: Reason | None,
    code: int | None,
    message: str,
    *,
    retry_after: float | None = None,
) -> Outcome:
    """Give every line the same outcome."""
    return Outcome(
        kind=kind,
        code=code,
        message=message,
        reason=reason,
        lines=tuple(
            LineOutcome(
                line.request_id, kind, code, message, reason, requested_quantity=line.quantity
            )
            for line in lines
        ),
        retry_after=retry_after,
        refusal=_REFUSALS.get(code or 0) if kind is Kind.DEFERRED else None,
    )


def _unread(
    lines: Sequence[Line],
    kind: Kind,
    reason: Reason | None,
    code: int | None,
    message: str,
    *,
    retry_after: float | None = None,
) -> Outcome:
    """Give every line the same outcome after a call without a readable answer."""
    return replace(
        _whole(lines, kind, reason, code, message, retry_after=retry_after), readable=False
    )
