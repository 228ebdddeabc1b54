"""Counting a line's units over its transactions, none of them twice (rewards-api §5 item 3, §8).

After a partial call was resent, its line may have one transaction that has grown, or a second one;
and the second may count only what the resend added, or everything again. Which it is, is not
documented. The rule, from the oldest transaction to the newest:

* Vouchers name units: those of all transactions together, each once (whatever its case: reads
  change it), are a count that is right in every reading, as far as vouchers are shown.
* A transaction that asked for exactly the units still missing counts what was added: it is added.
* Any other is read as counting everything again: the larger number counts.

The larger of the two counts is the line's. Where no voucher is shown it may be too small, never too
large: the line is then partial, an operator looks at it, and a resend, which is safe, settles it.
"""

from collections.abc import Iterable, Sequence

from issuance.job import Line
from issuance.reconciliation.transactions import Issual, TransactionDetail
from issuance.replies.codes import ISSUED_CODE, Verdict, find_code


def wanted_units(line: Line, share: Iterable[Issual]) -> int:
    """The units a line asked for: as the API understood it, since a quantity can be a redemption value (§7)."""
    requested = [
        entry.requested_quantity or 0 for entry in share if isinstance(entry, TransactionDetail)
    ]
    return max(requested, default=0) or line.quantity


def says_issued(entry: Issual) -> bool:
    """Whether a transaction says that units were issued, all or some of them."""
    code = entry.status.code
    return code is not None and find_code(code, "").verdict in (Verdict.ISSUED, Verdict.PARTIAL)


def tally(share: Sequence[Issual], wanted: int) -> int:
    """Count the units of one line's transactions; a list's entry, which does not say how many, counts none.

    Args:
        share: the line's transactions, the oldest first.
        wanted: the units the line asked for.
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
    """One transaction's units; where older answers do not count them, by its status."""
    if detail.quantity is not None:
        return max(detail.quantity, 0)
    if detail.status.code == ISSUED_CODE and detail.status.success is not False:
        return detail.requested_quantity or wanted
    return len(_names(detail)) if says_issued(detail) else 0
