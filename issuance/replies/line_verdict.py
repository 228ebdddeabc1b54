"""Judge one line of an answer: the code's verdict, checked against units and vouchers (§4.3)."""

from collections.abc import Sequence
from functools import reduce
from itertools import chain

from issuance.details.details import Details, join_details
from issuance.job import Line
from issuance.outcome import MORE_UNITS, Kind, LineOutcome, Reason
from issuance.replies.answer import IssueAnswer, Reward, Status, vouchers_of
from issuance.replies.codes import DUPLICATE, ISSUED_CODE, Verdict, find_code
from issuance.replies.matching import Mention

_Reading = tuple[Kind, Reason | None, tuple[str, ...]]

_NOTHING = Reward()

_KINDS: dict[Verdict, tuple[Kind, Reason | None]] = {
    Verdict.ISSUED: (Kind.ISSUED, None),
    Verdict.PARTIAL: (Kind.PARTIAL, Reason.PARTIAL),
    Verdict.REFUSED: (Kind.FAILED, Reason.FAILED),
    Verdict.LIMIT: (Kind.FAILED, Reason.LIMIT),
    Verdict.CONFIG: (Kind.FAILED, Reason.CONFIG),
    Verdict.UNKNOWN: (Kind.FAILED, Reason.UNKNOWN_CODE),
    Verdict.TRANSIENT: (Kind.TRANSIENT, Reason.EXHAUSTED),
    Verdict.RECHECK: (Kind.IN_DOUBT, Reason.IN_DOUBT),
}


def judge_line(
    line: Line, mention: Mention, answer: IssueAnswer, *, counted: bool, resent: bool
) -> LineOutcome:
    """Judge one line by what the answer says about it; everything the answer shows is kept.

    Args:
        line: the line.
        mention: what the answer says about it.
        answer: the whole answer; its status counts if the line has none of its own.
        counted: whether the endpoint's answers give the number of units; if not, a success is one.
        resent: see `classify`.
    """
    shown = mention.element or _NOTHING
    status = shown.status if shown.status.code is not None else answer.status
    units = None if shown.quantity is None else int(shown.quantity)
    wanted = line.quantity if shown.requested_quantity is None else int(shown.requested_quantity)
    kind, reason, anomalies = _read(mention, status, units, wanted, resent=resent)
    parts = mention.parts
    vouchers, details = _shown(line, parts)
    if line.org_id is not None and details is not None and "orgId" in details.fields:
        anomalies = (*anomalies, "other_organisation")
    return LineOutcome(
        request_id=line.request_id,
        kind=kind,
        code=status.code,
        message=(status.message or "")
        if mention.element
        else "the answer does not mention this requestId",
        reason=reason,
        requested_quantity=wanted,
        quantity=1 if not counted and units is None and kind is Kind.ISSUED else units,
        transaction_ids=_together(
            [(part.transaction_id,) for part in parts if part.transaction_id]
        ),
        vouchers=vouchers,
        points_references=_together([part.points_references for part in parts]),
        anomalies=(*anomalies, "unmatched_element") if mention.strays else anomalies,
        details=details,
    )


def _shown(line: Line, parts: Sequence[Reward]) -> tuple[tuple[str, ...], Details | None]:
    """Return the vouchers and details that all parts show."""
    if len(parts) == 1:
        units = parts[0].units()
        return vouchers_of(units), parts[0].details(line, units)
    of_parts = [(part, part.units()) for part in parts]
    shown = [part.details(line, units) for part, units in of_parts]
    return _together([vouchers_of(units) for _, units in of_parts]), reduce(
        join_details, shown, None
    )


def _together(shown: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    # Most lines have one part.
    return shown[0] if len(shown) == 1 else tuple(dict.fromkeys(chain.from_iterable(shown)))


def _read(
    mention: Mention, status: Status, units: int | None, wanted: int, *, resent: bool
) -> _Reading:
    if mention.element is None or status.code is None:
        # The answer says nothing about this line, so it may have been issued.
        return Kind.IN_DOUBT, Reason.IN_DOUBT, ()
    row = find_code(status.code, status.message or "", status.partner_codes)
    kind, reason = _KINDS[row.verdict]
    if kind is Kind.ISSUED:
        return _by_units(mention, status, units, wanted, resent=resent)
    if kind is Kind.PARTIAL and units is not None and units > wanted:
        return kind, reason, (MORE_UNITS,)
    if row is DUPLICATE and not resent:
        # A new requestId cannot be a duplicate: the call itself was wrong (§5 item 1).
        return _by_evidence(mention, units, Reason.FAILED, "duplicate_on_first_attempt")
    if kind is Kind.FAILED:
        return _by_evidence(mention, units, reason)
    return kind, reason, ()


def _by_units(
    mention: Mention, status: Status, units: int | None, wanted: int, *, resent: bool
) -> _Reading:
    """Read code 200: issued if the answer counts enough units or gives no count."""
    if units is None and status.success is not False:
        return Kind.ISSUED, None, ()
    if units is None:
        return Kind.IN_DOUBT, Reason.IN_DOUBT, ("code_200_without_success",)
    if units >= wanted and units > 0:
        return Kind.ISSUED, None, ()
    if resent:
        # The answer may count only what this attempt added: nothing for a requestId that was
        # issued before (§5 item 3).
        flag = "success_with_fewer_units" if units > 0 else "success_without_units"
        return Kind.IN_DOUBT, Reason.IN_DOUBT, (flag,)
    if units > 0:
        return Kind.PARTIAL, Reason.PARTIAL, ("success_with_fewer_units",)
    return _by_evidence(mention, units, Reason.FAILED, "success_without_units")


def _by_evidence(
    mention: Mention, units: int | None, reason: Reason | None, *anomalies: str
) -> _Reading:
    """Read a refusal: it is definite, and allows a new requestId, only if it shows no unit."""
    if units is not None and units > 0:
        return Kind.PARTIAL, Reason.PARTIAL, (*anomalies, "units_with_refusal")
    if any(part.vouchers for part in mention.parts) or any(
        _says_issued(part) for part in mention.strays
    ):
        return Kind.IN_DOUBT, Reason.IN_DOUBT, (*anomalies, "vouchers_with_refusal")
    return Kind.FAILED, reason, anomalies


def _says_issued(stray: Reward) -> bool:
    return stray.status.code == ISSUED_CODE or (stray.quantity or 0) > 0
