"""Reply → outcome: the body decides, line by line; HTTP and top-level status are hints (design rule 8)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from issuance.answer import IssueAnswer, Reward, Status, read_issue_answer
from issuance.codes import ISSUED_CODE, RETRIED_IN_DOUBT, Verdict, look_up
from issuance.job import Line, Variant
from issuance.outcome import Kind, LineOutcome, Outcome, Reason
from issuance.reply import Answer, NoAnswer, Reply

# HTTP classes of an answer without a readable body (rewards-api §4.1).
_HTTP_UNPROCESSED = frozenset({403, 404, 405, 413, 414, 415})
_HTTP_TRANSIENT = frozenset({408, 425, 429, 461, 503, 521})
_ABOUT_THE_ACCOUNT = frozenset({401, 429})
_DEFINITE_HTTP_REFUSAL = range(400, 500)

_KINDS = {
    Verdict.ISSUED: (Kind.ISSUED, None),
    Verdict.PARTIAL: (Kind.PARTIAL, Reason.PARTIAL),
    Verdict.REFUSED: (Kind.FAILED, Reason.FAILED),
    Verdict.LIMIT: (Kind.FAILED, Reason.LIMIT),
    Verdict.CONFIG: (Kind.FAILED, Reason.CONFIG),
    Verdict.UNKNOWN: (Kind.FAILED, Reason.UNKNOWN_CODE),
    Verdict.TRANSIENT: (Kind.TRANSIENT, Reason.EXHAUSTED),
    Verdict.RECHECK: (Kind.IN_DOUBT, Reason.IN_DOUBT),
}


def classify(lines: Sequence[Line], variant: Variant, reply: Reply, *, resent: bool) -> Outcome:
    """Classify a reply for a job's lines.

    Args:
        lines: the job's lines, in the order of the body.
        variant: the endpoint that was called.
        reply: what came back.
        resent: True when an earlier attempt may have reached the API, which makes "Duplicate
            requestId" and an empty success a question for the reads instead of an answer (§5).
    """
    match reply:
        case NoAnswer(sent=False):
            return _whole(lines, Kind.TRANSIENT, Reason.EXHAUSTED, None, f"{reply.kind}: {reply.detail}")
        case NoAnswer():
            return _whole(lines, Kind.IN_DOUBT, Reason.IN_DOUBT, None, f"{reply.kind}: {reply.detail}")
        case Answer():
            answer = read_issue_answer(reply.body)
            if answer is None:
                return _by_http(lines, reply)
            return _by_body(lines, variant, reply, answer, resent=resent)


def _by_http(lines: Sequence[Line], reply: Answer) -> Outcome:
    status = reply.status
    message = f"HTTP {status} without a body that can be read"
    if status in _ABOUT_THE_ACCOUNT:
        return _whole(
            lines, Kind.DEFERRED, None, status, message, retry_after=reply.retry_after, closes_account=True
        )
    if status in _HTTP_TRANSIENT:
        return _whole(lines, Kind.TRANSIENT, Reason.EXHAUSTED, status, message, retry_after=reply.retry_after)
    if status in _HTTP_UNPROCESSED:
        return _whole(lines, Kind.FAILED, Reason.UNPROCESSED, status, message)
    if status in _DEFINITE_HTTP_REFUSAL:
        return _whole(lines, Kind.FAILED, Reason.FAILED, status, message)
    return _whole(lines, Kind.IN_DOUBT, Reason.IN_DOUBT, status, message, retry_after=reply.retry_after)


def _whole(
    lines: Sequence[Line],
    kind: Kind,
    reason: Reason | None,
    code: int | None,
    message: str,
    *,
    retry_after: float | None = None,
    closes_account: bool = False,
) -> Outcome:
    return Outcome(
        kind=kind,
        code=code,
        message=message,
        reason=reason,
        lines=tuple(
            LineOutcome(line.request_id, kind, code, message, reason, requested_quantity=line.quantity)
            for line in lines
        ),
        retry_after=retry_after,
        closes_account=closes_account,
    )


def _by_body(
    lines: Sequence[Line], variant: Variant, reply: Answer, answer: IssueAnswer, *, resent: bool
) -> Outcome:
    if answer.status.code in _ABOUT_THE_ACCOUNT:
        message = answer.status.message or ""
        code = answer.status.code
        return _whole(
            lines, Kind.DEFERRED, None, code, message, retry_after=reply.retry_after, closes_account=True
        )
    entries = _match(lines, variant, answer)
    outcomes = [
        _line(line, entry, answer, resent=resent, alone=variant is Variant.SINGLE)
        for line, entry in zip(lines, entries, strict=True)
    ]
    return _fold(outcomes, answer, reply)


def _match(lines: Sequence[Line], variant: Variant, answer: IssueAnswer) -> list[Reward | None]:
    """Match the answer's elements to lines by requestId, else by rewardId and order (§4.3)."""
    if variant is Variant.SINGLE and answer.rewards is None:
        return [answer]
    entries = list(answer.rewards or ())
    matched: dict[str, Reward] = {}
    for line in lines:
        found = next((entry for entry in entries if entry.request_id == line.request_id), None)
        if found is not None:
            matched[line.request_id] = found
            entries.remove(found)
    for line in lines:
        if line.request_id not in matched:
            found = next((entry for entry in entries if _may_be(entry, line, answer, len(lines))), None)
            if found is not None:
                matched[line.request_id] = found
                entries.remove(found)
    return [matched.get(line.request_id) for line in lines]


def _may_be(entry: Reward, line: Line, answer: IssueAnswer, expected: int) -> bool:
    if entry.request_id is not None:
        return False
    if entry.reward_id is not None:
        return entry.reward_id == line.reward_id
    return len(answer.rewards or ()) == expected


def _line(line: Line, entry: Reward | None, answer: IssueAnswer, *, resent: bool, alone: bool) -> LineOutcome:
    if entry is None and answer.rewards is not None:
        # The list says nothing of this line, so the answer does not tell whether it was issued.
        message = "the answer does not mention this requestId"
        return LineOutcome(
            line.request_id, Kind.IN_DOUBT, answer.status.code, message, Reason.IN_DOUBT, line.quantity
        )
    shown = entry or answer
    status = _status_of(shown, answer)
    kind, reason, anomalies = _read_verdict(line, shown, status, resent=resent, alone=alone)
    return LineOutcome(
        request_id=line.request_id,
        kind=kind,
        code=status.code,
        message=status.message or "",
        reason=reason,
        requested_quantity=shown.requested_quantity
        if shown.requested_quantity is not None
        else line.quantity,
        quantity=1 if alone and kind is Kind.ISSUED else shown.quantity,
        transaction_ids=(shown.transaction_id,) if shown.transaction_id else (),
        vouchers=shown.vouchers,
        points_references=shown.points_references,
        anomalies=anomalies,
    )


def _status_of(shown: Reward, answer: IssueAnswer) -> Status:
    return shown.status if shown.status.code is not None else answer.status


def _read_verdict(
    line: Line, shown: Reward, status: Status, *, resent: bool, alone: bool
) -> tuple[Kind, Reason | None, tuple[str, ...]]:
    code = status.code or 0
    row = look_up(code, status.message or "", status.partner_error.codes)
    kind, reason = _KINDS[row.verdict]
    units = shown.quantity
    wanted = shown.requested_quantity if shown.requested_quantity is not None else line.quantity
    if kind is Kind.ISSUED and units is not None and not alone:
        return _by_quantity(units, wanted, resent=resent)
    if kind is Kind.PARTIAL and units is not None and units > wanted:
        return kind, reason, ("more_units_than_requested",)
    if row.text == ("duplicate requestid",) and not resent:
        # A fresh key cannot have been used: the call itself was wrong (§5 item 1).
        return Kind.FAILED, Reason.FAILED, ("duplicate_on_first_attempt",)
    return kind, reason, ()


def _by_quantity(units: int, wanted: int, *, resent: bool) -> tuple[Kind, Reason | None, tuple[str, ...]]:
    if units >= wanted:
        return Kind.ISSUED, None, ()
    if units > 0:
        return Kind.PARTIAL, Reason.PARTIAL, ("success_with_fewer_units",)
    if resent:
        # A finished requestId may answer with what this attempt added, which is nothing (§5 item 3).
        return Kind.IN_DOUBT, Reason.IN_DOUBT, ("success_without_units",)
    return Kind.FAILED, Reason.FAILED, ("success_without_units",)


def _fold(outcomes: list[LineOutcome], answer: IssueAnswer, reply: Answer) -> Outcome:
    kinds = {line.kind for line in outcomes}
    kind = _fold_kind(kinds)
    tellers = [line for line in outcomes if line.kind is kind] or outcomes
    return Outcome(
        kind=kind,
        code=answer.status.code if kind is Kind.PARTIAL or len(outcomes) > 1 else tellers[0].code,
        message=(answer.status.message or "") if len(outcomes) > 1 else tellers[0].message,
        lines=tuple(_flag_contradiction(outcomes, kind, answer)),
        reason=Reason.PARTIAL if kind is Kind.PARTIAL else _fold_reason(tellers),
        resend_tells=all(
            line.kind is not Kind.IN_DOUBT or line.code in RETRIED_IN_DOUBT for line in outcomes
        ),
        retry_after=reply.retry_after,
    )


def _fold_kind(kinds: set[Kind]) -> Kind:
    for kind in (Kind.IN_DOUBT, Kind.TRANSIENT):
        # One open line keeps the whole job open: the same bytes are resent, which is safe for the rest.
        if kind in kinds:
            return kind
    return kinds.pop() if len(kinds) == 1 else Kind.PARTIAL


def _fold_reason(tellers: Iterable[LineOutcome]) -> Reason | None:
    reasons = [line.reason for line in tellers if line.reason]
    for loudest in (Reason.UNKNOWN_CODE, Reason.CONFIG, Reason.FAILED, Reason.LIMIT):
        if loudest in reasons:
            return loudest
    return reasons[0] if reasons else None


def _flag_contradiction(
    outcomes: list[LineOutcome], kind: Kind, answer: IssueAnswer
) -> Iterable[LineOutcome]:
    """Mark lines whose answer's top level says something else than its elements (§4.3, (a) to (d))."""
    top_says_issued = answer.status.code == ISSUED_CODE
    contradicts = answer.rewards is not None and top_says_issued != (kind is Kind.ISSUED)
    seen: set[str] = set()
    for line in outcomes:
        flags = list(line.anomalies)
        if contradicts and (kind is Kind.ISSUED or top_says_issued):
            flags.append("top_level_disagrees")
        if seen.intersection(line.transaction_ids):
            flags.append("shared_transaction_id")
        seen.update(line.transaction_ids)
        yield replace(line, anomalies=tuple(flags))
