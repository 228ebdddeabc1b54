"""Merges what a reply shows of a job's lines with what is stored, and writes the lines."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from issuance.details.stored import store_details
from issuance.merge import LineFacts, merge
from issuance.outcome import DETAILS_CUT, Kind, LineOutcome, settled_state
from issuance.retry import Decision
from issuance.states import SETTLED, State
from ledger.store.dialects.dialect import dialect_of
from ledger.store.sanitize import stored_list, stored_number, stored_text
from ledger.store.schema import lines


class StoredLine(NamedTuple):
    """A line as the ledger stores it; texts with a plural name are JSON lists."""

    job_number: int
    position: int
    state: str
    quantity: int | None
    code: int | None
    message: str | None
    transaction_ids: str | None
    vouchers: str | None
    points_references: str | None
    anomalies: str | None
    details: str | None
    points: int | None
    settled_at: int | None


_LINES_OF = (
    select(*(lines.c[name] for name in StoredLine._fields))
    .where(lines.c.job_number.in_(bindparam("job_numbers", expanding=True)))
    .order_by(lines.c.job_number, lines.c.position)
)
_VALUES = {
    "state": "text",
    "quantity": "bigint",
    "code": "bigint",
    **dict.fromkeys(
        ("message", "transaction_ids", "vouchers", "points_references", "anomalies", "details"),
        "text",
    ),
    "points": "bigint",
    "settled_at": "bigint",
}
_KEYS = {"job_number": "bigint", "position": "integer"}

LineValues = tuple[Any, ...]
"""A line's values to write, then its keys."""


def lines_of_jobs(connection: Connection, numbers: Sequence[int]) -> dict[int, list[StoredLine]]:
    """Read the lines of these jobs, each job's in the order of its body."""
    known: defaultdict[int, list[StoredLine]] = defaultdict(list)
    if numbers:
        for row in map(StoredLine._make, connection.execute(_LINES_OF, {"job_numbers": numbers})):
            known[row.job_number].append(row)
    return dict(known)


def write_lines(connection: Connection, rows: Sequence[LineValues]) -> None:
    """Write lines of any number of jobs; no line may occur twice."""
    dialect_of(connection).update_rows(connection, "lines", _VALUES, _KEYS, rows)


def settled_lines(
    settled: Iterable[tuple[int, Sequence[LineOutcome]]], now: int
) -> list[LineValues]:
    """Return the values of lines that their job's first reply settles."""
    return [
        _values(number, position, line, settled_state(line.kind), now)
        for number, of_job in settled
        for position, line in enumerate(of_job)
    ]


def merge_reply(
    known: Sequence[StoredLine],
    shown: Sequence[LineOutcome],
    decision: Decision,
    now: int,
    *,
    looked: bool = False,
    is_outdated: bool = False,
) -> tuple[list[State], list[LineValues]]:
    """Merge a reply into a job's lines; nothing that an earlier reply has shown is lost.

    Args:
        known: the stored lines.
        shown: what the reply says of them, in the same order.
        decision: what follows from the reply.
        now: the ledger's time.
        looked: see `merge`.
        is_outdated: see `merge`.

    Returns:
        The lines' new states, and the values to write.
    """
    states: list[State] = []
    rows: list[LineValues] = []
    for row, line in zip(known, shown, strict=True):
        state = State(row.state)
        merged = merge(_facts(row, state), line, decision, looked=looked, is_outdated=is_outdated)
        if merged is not None:
            settled_at = row.settled_at if merged.state is state else now
            rows.append(
                _values(
                    row.job_number,
                    row.position,
                    merged.line,
                    merged.state,
                    settled_at if merged.state in SETTLED else None,
                )
            )
            state = merged.state
        states.append(state)
    return states, rows


def _facts(row: StoredLine, state: State) -> LineFacts:
    return LineFacts(
        state=state,
        code=row.code,
        message=row.message,
        quantity=row.quantity,
        transaction_ids=row.transaction_ids,
        vouchers=row.vouchers,
        points_references=row.points_references,
        anomalies=row.anomalies,
        details=row.details,
        points=row.points,
    )


def _with_cut(anomalies: tuple[str, ...]) -> tuple[str, ...]:
    return anomalies if DETAILS_CUT in anomalies else (*anomalies, DETAILS_CUT)


def _values(
    number: int, position: int, line: LineOutcome, state: State, settled_at: int | None
) -> LineValues:
    quantity = line.quantity
    if quantity is None and line.kind is Kind.ISSUED:
        quantity = line.requested_quantity
    details, is_cut = store_details(line.details, line.vouchers)
    anomalies = _with_cut(line.anomalies) if is_cut else line.anomalies
    return (
        state.value,
        stored_number(quantity),
        stored_number(line.code),
        stored_text(line.message),
        stored_list(line.transaction_ids),
        stored_list(line.vouchers),
        stored_list(line.points_references),
        stored_list(anomalies),
        details,
        line.details.points if line.details else None,
        settled_at,
        number,
        position,
    )
