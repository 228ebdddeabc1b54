"""Merging a reply's line with what earlier replies showed: set semantics, nothing lost, nothing counted twice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic_core import from_json

from issuance.outcome import Kind, LineOutcome, settled_state
from issuance.states import State, may_replace


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A line as the ledger has it; lists as the JSON they are stored in."""

    state: State
    quantity: int | None
    transaction_ids: str | None
    vouchers: str | None
    points_references: str | None
    anomalies: str | None


@dataclass(frozen=True, slots=True)
class Merged:
    """A line to be written: its state, and the reply's line with all that is known added."""

    state: State
    line: LineOutcome


def merge(known: LineFacts, line: LineOutcome, settled_as: State | None) -> Merged | None:
    """Merge a reply's line into what is known; None when it brings nothing new.

    Args:
        known: what the ledger has.
        line: what the reply says.
        settled_as: the state this reply settles the job with; None when the job is tried again. An issued
            line is settled even then: nothing can undo it.
    """
    final = settled_as is not None or line.kind is Kind.ISSUED
    said = _state(line, settled_as) if final else known.state
    union = replace(
        line,
        quantity=_most(known.quantity, line),
        transaction_ids=_union(known.transaction_ids, line.transaction_ids),
        vouchers=_union(known.vouchers, line.vouchers),
        points_references=_union(known.points_references, line.points_references),
        anomalies=_union(known.anomalies, line.anomalies),
    )
    if known.state is State.WAITING or may_replace(known.state, said):
        return Merged(said, union)
    return Merged(known.state, union) if _adds(known, union) else None


def _state(line: LineOutcome, settled_as: State | None) -> State:
    if settled_as is State.IN_DOUBT and line.kind in (Kind.TRANSIENT, Kind.DEFERRED):
        # A passing refusal says nothing about the earlier attempt that left the doubt.
        return State.IN_DOUBT
    return settled_state(line.kind)


def _most(known: int | None, line: LineOutcome) -> int | None:
    """Quantities of two attempts are never added: whether a reply counts all or the new ones is unknown (§5)."""
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
    pairs = (
        (known.transaction_ids, union.transaction_ids),
        (known.vouchers, union.vouchers),
        (known.points_references, union.points_references),
    )
    return any(len(merged) > len(_union(stored, ())) for stored, merged in pairs)
