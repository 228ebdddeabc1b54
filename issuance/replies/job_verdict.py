"""Fold the outcomes of a job's lines into the outcome of the job (rewards-api §4.3)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from issuance.outcome import MORE_UNITS, Kind, LineOutcome, Outcome, Reason
from issuance.replies.answer import IssueAnswer
from issuance.replies.codes import ISSUED_CODE, RETRIED_IN_DOUBT

# Only refusals differ in their reason; the job gets the one that an operator must see first.
_LOUDEST_FIRST = (Reason.UNKNOWN_CODE, Reason.CONFIG, Reason.FAILED, Reason.LIMIT)


def fold(
    lines: Sequence[LineOutcome],
    answer: IssueAnswer,
    *,
    retry_after: float | None,
    resent: bool = False,
) -> Outcome:
    """Fold the lines' outcomes; the answer's top level counts only where the lines differ."""
    kind = _fold_kind(lines)
    tellers = [line for line in lines if line.kind is kind] or lines
    first = tellers[0]
    agree = len(tellers) == 1 or len({(line.code, line.message) for line in tellers}) == 1
    return Outcome(
        kind=kind,
        code=first.code if agree else answer.status.code,
        message=first.message if agree else answer.status.message or "",
        lines=_flag_contradictions(lines, kind, answer),
        reason=Reason.PARTIAL
        if kind is Kind.PARTIAL
        else loudest([line.reason for line in tellers]),
        retry_is_conclusive=kind is not Kind.IN_DOUBT
        or all(line.code in RETRIED_IN_DOUBT for line in tellers),
        retry_after=retry_after,
        needs_reconciliation=_may_be_more(lines, kind, resent=resent),
    )


def _may_be_more(lines: Sequence[LineOutcome], kind: Kind, *, resent: bool) -> bool:
    if kind is Kind.PARTIAL:
        return resent or any(MORE_UNITS in line.anomalies for line in lines)
    return resent and kind is Kind.ISSUED and not all(line.vouchers for line in lines)


def _fold_kind(lines: Sequence[LineOutcome]) -> Kind:
    if len(lines) == 1:
        return lines[0].kind
    kinds = {line.kind for line in lines}
    for kind in (Kind.IN_DOUBT, Kind.TRANSIENT):
        # One open line keeps the whole job open: resending is safe for the other lines.
        if kind in kinds:
            return kind
    return lines[0].kind if len(kinds) == 1 else Kind.PARTIAL


def loudest(reasons: Sequence[Reason | None]) -> Reason | None:
    """The job's reason, from those of its lines, which are all of one kind."""
    if len(set(reasons)) == 1:
        return reasons[0]
    return next(reason for reason in _LOUDEST_FIRST if reason in reasons)


def _flag_contradictions(
    lines: Sequence[LineOutcome], kind: Kind, answer: IssueAnswer
) -> tuple[LineOutcome, ...]:
    """Mark lines where the answer contradicts itself (§4.3, (a) to (d))."""
    if not answer.rewards:
        return tuple(lines)
    flags = ("top_level_disagrees",) * (
        (answer.status.code == ISSUED_CODE) is not (kind is Kind.ISSUED)
    )
    shared: frozenset[str] = _shared_transactions(lines) if len(lines) > 1 else frozenset()
    if not flags and not shared:
        return tuple(lines)
    both = (*flags, "shared_transaction_id")
    return tuple(
        replace(
            line,
            anomalies=line.anomalies + (flags if shared.isdisjoint(line.transaction_ids) else both),
        )
        for line in lines
    )


def _shared_transactions(lines: Sequence[LineOutcome]) -> frozenset[str]:
    uses = Counter(transaction for line in lines for transaction in line.transaction_ids)
    return frozenset(transaction for transaction, count in uses.items() if count > 1)
