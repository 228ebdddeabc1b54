"""Compare a job's lines, as the ledger has them, with the transactions that the API shows of it.

The reads show no requestId, so a line is found by the transaction ids that its replies named. A
line without them gets the job's other transactions of its reward.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from issuance.job import Line
from issuance.reconciliation.conclusion import oldest_first
from issuance.reconciliation.transactions import Issual
from issuance.reconciliation.unit_count import tally, wanted_units
from issuance.states import State


class Difference(StrEnum):
    """How the API's transactions differ from a line."""

    MISSING = "missing"
    """The ledger has units, and the API shows none."""
    OTHER_UNITS = "other_units"
    """The API shows another number of units than the ledger has."""
    REVOKED_ELSEWHERE = "revoked_elsewhere"
    """The ledger has units, and the API shows that their transaction was cancelled."""
    UNKNOWN_TRANSACTION = "unknown_transaction"
    """The API shows units of the job in a transaction that no line names."""


@dataclass(frozen=True, slots=True)
class RecordedLine:
    """A settled line as the ledger has it."""

    request_id: str
    state: State
    reward_id: int
    """0 if the reward is named by its external id."""
    requested: int
    units: int
    transaction_ids: tuple[str, ...] = ()
    reward_external_id: str | None = None

    @property
    def claimed(self) -> int:
        """The units that the API must show."""
        return self.units if self.state in (State.ISSUED, State.PARTIAL) else 0


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference between a line and the API's transactions."""

    request_id: str
    kind: Difference
    ledger_units: int
    api_units: int
    transaction_ids: tuple[str, ...]


def compare(lines: Sequence[RecordedLine], shown: Mapping[str, Issual]) -> list[Finding]:
    """Compare all lines of a job; an empty list means that ledger and API agree.

    A revoked line claims nothing: what the reads show after a revocation is not documented.

    Args:
        lines: of one job, in the order of its body.
        shown: what the API shows of the job, by transaction id; a `TransactionDetail` has units.
    """
    named = Counter(name for line in lines for name in set(line.transaction_ids))
    # An id that several lines name identifies none of them.
    left = {name: entry for name, entry in shown.items() if named[name] != 1}
    found: list[Finding] = []
    for line in lines:
        own = {
            name: shown[name] for name in line.transaction_ids if named[name] == 1 and name in shown
        }
        if line.claimed and not any(named[name] == 1 for name in line.transaction_ids):
            own = _take(left, line)
        found += _compare_line(line, own)
    return found + [
        Finding(_owner(lines, entry).request_id, Difference.UNKNOWN_TRANSACTION, 0, units, (name,))
        for name, entry in left.items()
        if not entry.is_cancelled and (units := _units([entry], 1))
    ]


def _take(left: dict[str, Issual], line: RecordedLine) -> dict[str, Issual]:
    """Take transactions of the line's reward until they have its units."""
    taken: dict[str, Issual] = {}
    for name in [name for name, entry in left.items() if _fits(line, entry)]:
        if _units(taken.values(), line.requested) >= line.claimed:
            break
        taken[name] = left.pop(name)
    return taken


def _fits(line: RecordedLine, entry: Issual) -> bool:
    return line.reward_external_id is not None or entry.reward_id == line.reward_id


def _owner(lines: Sequence[RecordedLine], entry: Issual) -> RecordedLine:
    return next((line for line in lines if _fits(line, entry)), lines[0])


def _compare_line(line: RecordedLine, own: Mapping[str, Issual]) -> list[Finding]:
    if line.state is State.REVOKED:
        return []
    kept = [entry for entry in own.values() if not entry.is_cancelled]
    units = _units(kept, line.requested)
    if units == line.claimed:
        return []
    if line.claimed and len(kept) < len(own):
        kind = Difference.REVOKED_ELSEWHERE
    else:
        kind = Difference.OTHER_UNITS if units else Difference.MISSING
    return [Finding(line.request_id, kind, line.claimed, units, tuple(own) or line.transaction_ids)]


def _units(entries: Iterable[Issual], requested: int) -> int:
    share = oldest_first(entries)
    return tally(share, wanted_units(Line("", 0, requested), share))
