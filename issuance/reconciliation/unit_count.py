"""Count a line's units over its transactions, none of them twice (rewards-api §5 item 3, §8).

After a partial call was resent, its line may have one transaction that has grown, or two. The
second may count only what the resend added, or everything again: this is not documented. So units
are counted in two ways, from the oldest transaction to the newest:

* By voucher: each voucher of all transactions counts once, whatever its case, which reads change.
  This count is right in either case, if every unit has a voucher.
* By number: a transaction that requested exactly the units still missing is added to the count.
  Any other is taken to count everything again: the larger number counts.

The larger count is the line's. Without vouchers it may be too small, never too large: the line is
then partial, and an operator can settle it by a resend, which is safe.
"""

from collections.abc import Iterable, Sequence

from issuance.job import Line
from issuance.reconciliation.transactions import Issual, TransactionDetail
from issuance.replies.codes import ISSUED_CODE, Verdict, find_code


def wanted_units(line: Line, share: Iterable[Issual]) -> int:
    """The units requested, as the API read them: a quantity can be a redemption value (§7)."""
    requested = [
        entry.requested_quantity or 0 for entry in share if isinstance(entry, TransactionDetail)
    ]
    return max(requested, default=0) or line.quantity


def says_issued(entry: Issual) -> bool:
    """Whether a transaction says that all or some of its units were issued."""
    code = entry.status.code
    return code is not None and find_code(code, "").verdict in (Verdict.ISSUED, Verdict.PARTIAL)


def tally(share: Sequence[Issual], wanted: int) -> int:
    """Count the units of one line's transactions; a list's entry, which shows none, counts as 0.

    Args:
        share: the line's transactions, the oldest first.
        wanted: the units that the line requested.
    """
    details = [entry for entry in share if isinstance(entry, TransactionDetail)]
    return max(_count_named(details, wanted), _count_counted(details, wanted))


def _count_named(details: Sequence[TransactionDetail], wanted: int) -> int:
    seen: set[str] = set()
    units = 0
    for detail in details:
        names = _names(detail)
        units += min(len(names - seen), _units(detail, wanted))
        seen |= names
    return units


def _count_counted(details: Sequence[TransactionDetail], wanted: int) -> int:
    seen: set[str] = set()
    units = 0
    for detail in details:
        names, own = _names(detail), _units(detail, wanted)
        rest = wanted - units
        adds = (
            0 < own <= rest < wanted
            and detail.requested_quantity == rest
            and seen.isdisjoint(names)
        )
        units = units + own if adds else max(units, own)
        seen |= names
    return units


def _names(detail: TransactionDetail) -> set[str]:
    return {voucher.casefold() for voucher in detail.vouchers}


def _units(detail: TransactionDetail, wanted: int) -> int:
    """One transaction's units; in older answers, which have no count, the status decides."""
    if detail.quantity is not None:
        return max(detail.quantity, 0)
    if detail.status.code == ISSUED_CODE and detail.status.success is not False:
        return detail.requested_quantity or wanted
    return len(_names(detail)) if says_issued(detail) else 0
