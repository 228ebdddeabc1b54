"""Merge a reply with earlier ones: lists merge as sets, so nothing is lost or counted twice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, assert_never

from pydantic_core import from_json

from issuance.details.details import Details, join_details
from issuance.details.stored import read_details
from issuance.outcome import MORE_UNITS, Kind, LineOutcome, Reason, settled_state
from issuance.reconciliation.fallback import fallback_state
from issuance.retry import Decision, Reconcile, Settle, TryAgain
from issuance.states import State, may_replace


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A line as the ledger stores it; its lists are JSON texts."""

    state: State
    code: int | None
    message: str | None
    quantity: int | None
    transaction_ids: str | None
    vouchers: str | None
    points_references: str | None
    anomalies: str | None
    details: str | None = None
    points: int | None = None

    @property
    def known_details(self) -> Details | None:
        """The details that earlier replies showed."""
        if self.details is None and self.points is None:
            return None
        vouchers = from_json(self.vouchers) if self.vouchers else ()
        return read_details(self.details, vouchers, self.points)


@dataclass(frozen=True, slots=True)
class Merged:
    """The line to write: its state, and the reply's line with everything known added."""

    state: State
    line: LineOutcome


def merge(
    known: LineFacts,
    line: LineOutcome,
    decision: Decision,
    *,
    looked: bool = False,
    is_outdated: bool = False,
) -> Merged | None:
    """Merge a reply's line into what is known; None when it adds nothing.

    Args:
        known: the line in the ledger.
        line: the line in the reply.
        decision: the decision on the reply. An issued line is settled even if the job is tried
            again, because nothing can undo it; it stays open only while the job is reconciled for
            its vouchers. A definite answer is kept when later reads do not show the line.
        looked: whether the reply comes from the API's transactions.
        is_outdated: whether the job has a later, definite answer that is being reconciled. A reply
            that says nothing must not replace what that answer said of the line.
    """
    said = known.state
    if isinstance(decision, Settle):
        said = _state(known, line, decision)
    elif line.kind is Kind.ISSUED and not _confirms(decision):
        said = State.ISSUED
    union = replace(
        _outlived(known, line) if _is_in_vain(line, decision, is_outdated=is_outdated) else line,
        quantity=known.quantity if _is_overstated(line, decision) else _most(known.quantity, line),
        transaction_ids=_union(known.transaction_ids, line.transaction_ids),
        vouchers=_union(known.vouchers, line.vouchers),
        points_references=_union(known.points_references, line.points_references),
        anomalies=_union(known.anomalies, line.anomalies),
        details=join_details(known.known_details, line.details),
    )
    taken_back = looked and line.kind is Kind.FAILED
    if (
        _shows_units(known, union, taken_back=taken_back)
        and State.FAILED in (said, _before_replaced(known.state))
        and said is not State.ISSUED
    ):
        # No refusal undoes a unit that any reply has shown: a reissue would issue it again.
        said = State.PARTIAL
    if known.state is State.WAITING or may_replace(known.state, said):
        return Merged(said, union)
    if not _adds(known, union):
        return None
    return Merged(known.state, replace(union, code=known.code, message=known.message or ""))


def _before_replaced(state: State) -> State:
    """A line that another one has replaced was refused before."""
    return State.FAILED if state is State.REPLACED else state


def _shows_units(known: LineFacts, union: LineOutcome, *, taken_back: bool) -> bool:
    """Whether a reply showed a unit that the API has not taken back (1010, rewards-api §4.4)."""
    if union.quantity:
        return True
    if _before_replaced(known.state) is State.FAILED:
        # It failed despite the vouchers already known, so only a new voucher counts.
        return len(union.vouchers) > len(_union(known.vouchers, ()))
    return bool(union.vouchers) and not taken_back


def _confirms(decision: Decision) -> bool:
    return isinstance(decision, Reconcile) and decision.fallback is State.ISSUED


_SAYS_NOTHING = (Kind.IN_DOUBT, Kind.TRANSIENT, Kind.DEFERRED)


def _is_in_vain(line: LineOutcome, decision: Decision, *, is_outdated: bool) -> bool:
    """Whether a reply shows nothing of a line that has a definite answer."""
    if is_outdated and line.kind in _SAYS_NOTHING:
        return True
    match decision:
        case Reconcile(fallback=fallback):
            return fallback is not State.IN_DOUBT and line.kind in _SAYS_NOTHING
        case Settle(uses_fallback=True):
            return line.kind in _SAYS_NOTHING
        case Settle() | TryAgain():
            return False
        case _:  # pragma: no cover - mypy proves that nothing gets here
            assert_never(decision)


def _is_overstated(line: LineOutcome, decision: Decision) -> bool:
    """Whether a count above the requested units is unconfirmed; a stored count is never lowered."""
    return MORE_UNITS in line.anomalies and not isinstance(decision, Settle)


def _outlived(known: LineFacts, line: LineOutcome) -> LineOutcome:
    return (
        line if known.code is None else replace(line, code=known.code, message=known.message or "")
    )


def _state(known: LineFacts, line: LineOutcome, settle: Settle) -> State:
    if settle.uses_fallback and line.kind in _SAYS_NOTHING:
        if known.code is None:
            return settle.state
        found = fallback_state(known.code, known.message or "")
        # An answer that issued a line showed its units; a page with status 200 has none.
        return settle.state if found is State.ISSUED and not known.quantity else found
    if settle.state is State.IN_DOUBT and line.kind in (Kind.TRANSIENT, Kind.DEFERRED):
        # A transient refusal says nothing about the earlier attempt that is in doubt.
        return State.IN_DOUBT
    return settled_state(line.kind)


_D = TypeVar("_D", bound=Decision)


def settle_by(states: Sequence[State], decision: _D) -> _D | Settle:
    """Correct the decision on one reply by everything known of the job's lines.

    Args:
        states: the lines' states after the reply was merged.
        decision: the decision on the reply alone.
    """
    # A revoked line was issued; that it was taken back does not open its job again.
    states = [State.ISSUED if state is State.REVOKED else state for state in states]
    if all(state is State.ISSUED for state in states):
        return Settle(State.ISSUED, None)
    if State.PARTIAL in states and not {State.WAITING, State.IN_DOUBT}.intersection(states):
        return Settle(State.PARTIAL, Reason.PARTIAL)
    if State.ISSUED in states and isinstance(decision, Settle) and decision.state is State.FAILED:
        # The refused lines may still be reissued, so the reason is kept.
        return Settle(State.PARTIAL, decision.reason)
    return decision


def _most(known: int | None, line: LineOutcome) -> int | None:
    """The larger quantity, never the sum: a reply may count all units or only new ones (§5)."""
    units = line.quantity
    if units is None and line.kind is Kind.ISSUED:
        units = line.requested_quantity
    if known is None or units is None:
        return units if known is None else known
    return max(known, units)


def _union(known: str | None, shown: Sequence[str]) -> tuple[str, ...]:
    earlier = from_json(known) if known else ()
    return tuple(dict.fromkeys((*earlier, *shown)))


def _adds(known: LineFacts, union: LineOutcome) -> bool:
    if union.details != known.known_details:
        return True
    pairs = (
        (known.transaction_ids, union.transaction_ids),
        (known.vouchers, union.vouchers),
        (known.points_references, union.points_references),
    )
    return any(len(merged) > len(_union(stored, ())) for stored, merged in pairs)
