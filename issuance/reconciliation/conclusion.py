"""Conclude the outcome of a job in doubt, and of its lines, from its own transactions (§8).

The reads show no requestId. A transaction is the job's own if its `rewardIssueRefId` is the job's
`transactionNumber`, which is unique to the job and stored before the first send.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from itertools import chain, pairwise

from issuance.details.details import Details, join_details
from issuance.job import Line
from issuance.outcome import MORE_UNITS, Kind, LineOutcome, Outcome, Reason
from issuance.reconciliation.fallback import refusal_reason
from issuance.reconciliation.transactions import Issual, TransactionDetail
from issuance.reconciliation.unit_count import says_issued, tally, wanted_units
from issuance.replies.answer import IssueAnswer
from issuance.replies.codes import ISSUED_CODE, Verdict, find_code
from issuance.replies.job_verdict import fold

CLOCK_SKEW = timedelta(minutes=5)
"""The most that the API's clock may be behind ours, which makes transactions look older."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the reads show of a job."""

    outcome: Outcome
    """Issued, partial or failed, as for a reply; in doubt if the reads do not show it (yet)."""
    missing: tuple[str, ...]
    """The requestIds without a transaction: reads may lag, so read again before any resend."""


def pick_own(transaction_number: str, pages: Iterable[Iterable[Issual]]) -> tuple[Issual, ...]:
    """Pick a job's own transactions from a customer's pages, each once, the oldest first.

    A number may have several: one for each reward of the call, and one more after a partial call
    was resent.
    """
    own = {
        entry.reward_transaction_id: entry
        for entry in chain(*pages)
        if _is_own(entry, transaction_number)
    }
    return tuple(oldest_first(own.values()))


def oldest_first(entries: Iterable[Issual]) -> list[Issual]:
    """Return transactions in the order in which they were made."""
    return sorted(entries, key=_age)


def may_stop(page: Sequence[Issual], first_sent_at: datetime, skew: timedelta = CLOCK_SKEW) -> bool:
    """Return whether no later page can hold any of the job's transactions.

    The list has no filter by date, and its order is not documented: the samples show the newest
    first. So this is true only if the page runs from new to old and its last entry is older than
    the job's first attempt.

    Args:
        page: one page's entries, in the order received.
        first_sent_at: when the job was first sent, by our clock.
        skew: how far the API's clock may be behind ours.
    """
    dates = [date for entry in page if (date := entry.reward_transaction_date) is not None]
    falling = all(earlier >= later for earlier, later in pairwise(dates))
    return bool(dates) and falling and dates[-1] < (first_sent_at - skew).timestamp() * 1000


def conclude(
    lines: Sequence[Line], own: Iterable[Issual], details: Mapping[str, TransactionDetail]
) -> Conclusion:
    """Conclude the outcome of a job's lines; everything that the transactions show is kept.

    A line is issued if its transactions count as many units as it requested and the newest one with
    units says issued; a refusal among them undoes nothing. `issuance.reconciliation.unit_count`
    says how units are counted. A line stays in doubt while a transaction says issued and its detail
    could not be read, because its vouchers are still unknown.

    Args:
        lines: the job's lines, in the order of the body.
        own: what `pick_own` found.
        details: the details that could be read, by transaction id.
    """
    shown = [details.get(entry.reward_transaction_id or "", entry) for entry in oldest_first(own)]
    shares = _share(lines, shown)
    outcomes = [_conclude_line(line, share) for line, share in zip(lines, shares, strict=True)]
    return Conclusion(
        outcome=fold(outcomes, IssueAnswer(), retry_after=None),
        missing=tuple(
            line.request_id for line, share in zip(lines, shares, strict=True) if not share
        ),
    )


def _is_own(entry: Issual, transaction_number: str) -> bool:
    return entry.reward_issue_ref_id == transaction_number


def _age(entry: Issual) -> tuple[int, int, str]:
    """Sort key, the oldest first; ids are assigned in order and decide within a millisecond."""
    text = entry.reward_transaction_id or ""
    return entry.reward_transaction_date or 0, int(text) if text.isdecimal() else 0, text


def _share(lines: Sequence[Line], shown: Sequence[Issual]) -> list[list[Issual]]:
    """Give each transaction to a line of its reward; lines of the same reward are filled in order.

    The reads do not show which of these lines a transaction belongs to. It does not matter: they
    are for the same reward and customer.
    """
    shares: list[list[Issual]] = [[] for _ in lines]
    for transaction in shown:
        place = min(
            _places(lines, transaction),
            key=lambda place: _unfit(lines[place], shares[place], transaction),
        )
        shares[place].append(transaction)
    return shares


def _places(lines: Sequence[Line], transaction: Issual) -> Sequence[int]:
    """Return the places of the lines that the transaction may belong to, by its reward."""
    own = [place for place, line in enumerate(lines) if line.reward_id == transaction.reward_id]
    # The reads show no external id, and the id of such a reward is unknown.
    unnamed = [place for place, line in enumerate(lines) if line.reward_external_id is not None]
    return own or unnamed or range(len(lines))


def _unfit(line: Line, share: Sequence[Issual], transaction: Issual) -> tuple[bool, bool, int]:
    wanted = wanted_units(line, share)
    requested = (
        transaction.requested_quantity if isinstance(transaction, TransactionDetail) else None
    )
    return tally(share, wanted) >= wanted, requested not in (None, line.quantity), len(share)


def _conclude_line(line: Line, share: Sequence[Issual]) -> LineOutcome:
    wanted = wanted_units(line, share)
    units = tally(share, wanted)
    kind, reason, teller, anomalies = _judge(share, units, wanted)
    return LineOutcome(
        request_id=line.request_id,
        kind=kind,
        code=teller.status.code if teller else None,
        message=(teller.status.message or "")
        if teller
        else "no transaction carries this job's transactionNumber",
        reason=reason,
        requested_quantity=wanted,
        quantity=None if kind is Kind.IN_DOUBT and not units else units,
        transaction_ids=_together((entry.reward_transaction_id or "",) for entry in share),
        vouchers=_together(entry.vouchers for entry in share),
        points_references=_together(entry.points_references for entry in share),
        anomalies=anomalies,
        details=_details(line, share),
    )


def _details(line: Line, share: Sequence[Issual]) -> Details | None:
    """Return what the transactions show of a line, the newest last; their points add up."""
    read = [entry for entry in share if isinstance(entry, TransactionDetail)]
    shown = reduce(join_details, [entry.details(line) for entry in read], None)
    charges: dict[str, int] = {}
    for entry in read:
        charge = entry.charge if says_issued(entry) or entry.quantity else None
        if charge is not None:
            # Transactions with the same points reference show the same charge.
            key = next(iter(entry.points_references), entry.reward_transaction_id or "")
            charges[key] = max(charge, charges.get(key, 0))
    if not charges:
        return shown
    return replace(shown or Details(), points=sum(charges.values()))


_Judgement = tuple[Kind, Reason | None, Issual | None, tuple[str, ...]]


def _judge(share: Sequence[Issual], units: int, wanted: int) -> _Judgement:
    """Judge a line by its transactions: kind, reason, deciding transaction, contradictions."""
    newest = share[-1] if share else None
    unread = [
        entry for entry in share if says_issued(entry) and not isinstance(entry, TransactionDetail)
    ]
    if newest is None or unread:
        return Kind.IN_DOUBT, Reason.IN_DOUBT, unread[-1] if unread else None, ()
    with_units = [entry for entry in share if tally([entry], wanted)]
    if with_units:
        return _judge_units(with_units[-1], units, wanted)
    return _judge_refusal(newest)


def _judge_units(newest: Issual, units: int, wanted: int) -> _Judgement:
    flags = (MORE_UNITS,) if units > wanted else ()
    if newest.status.code == ISSUED_CODE and units >= wanted:
        return Kind.ISSUED, None, newest, flags
    refused = () if says_issued(newest) else ("units_with_refusal",)
    return Kind.PARTIAL, Reason.PARTIAL, newest, (*flags, *refused)


def _judge_refusal(newest: Issual) -> _Judgement:
    """Judge a line without units: the API's count of 0 is definite, even if it shows a voucher."""
    quantity = newest.quantity if isinstance(newest, TransactionDetail) else None
    code = newest.status.code
    if code is None or code == ISSUED_CODE:
        return Kind.IN_DOUBT, Reason.IN_DOUBT, newest, ("success_without_units",) if code else ()
    if newest.vouchers and quantity is None:
        return Kind.IN_DOUBT, Reason.IN_DOUBT, newest, ("vouchers_with_refusal",)
    verdict = find_code(code, newest.status.message or "").verdict
    if verdict is Verdict.PARTIAL:
        return Kind.PARTIAL, Reason.PARTIAL, newest, ()
    flags = ("vouchers_with_refusal",) if newest.vouchers else ()
    return Kind.FAILED, refusal_reason(verdict), newest, flags


def _together(shown: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for part in shown for text in part if text))
