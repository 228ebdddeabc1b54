"""Lines that issued nothing as a campaign's file, which `blast` reads again.

Its columns `outcome.…` say how each row ended; reading the file again ignores them.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import to_json

from issuance.customer import Customer
from issuance.display import csv_text
from issuance.endpoint import Variant
from issuance.plain_words import reason
from issuance.redrive.file_row import file_row
from issuance.states import State
from ledger.audit_effects import record_export
from ledger.audit_log import campaign_target
from ledger.campaigns import find_campaign
from ledger.queries.balance import balance
from ledger.queries.refused_rows import (
    ISSUED_NOTHING,
    RefusedRow,
    read_refused_rows,
)
from ledger.store.clock import instant
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.errors import UsageError
from operations.formats import iso

FIRST_COLUMNS: Final = (
    *("mobile", "email", "externalId", "rewardId", "rewardExternalId", "quantity"),
)
OUTCOME_COLUMNS: Final = (
    *("outcome.line", "outcome.state", "outcome.code", "outcome.reason", "outcome.message"),
    *("outcome.settledAt", "outcome.requestId"),
)


@dataclass(frozen=True, slots=True)
class RowExport:
    """Rows for a file, read as they are used."""

    campaign: str
    left_out: int
    """Lines of the campaign that are not in it, because they may be issued, or were replaced."""
    columns: Sequence[str]
    """The columns of a CSV file; empty for JSON lines."""
    rows: Iterator[dict[str, Any]]
    """For CSV flat texts by column; for JSON lines nested as the API's body is."""


@needs(Right.VIEW, reveal=Right.REVEAL)
@contextmanager
def export_rows(
    subject: Subject,
    ledger: Ledger,
    campaign: str,
    *,
    states: Collection[State],
    form: str | None,
    reveal: bool,
) -> Iterator[RowExport]:
    """Export a campaign's lines that issued nothing.

    The export is recorded first.

    Args:
        subject: asks for it.
        ledger: the record.
        campaign: its name.
        states: lines in other states than these, or that may be issued, are left out.
        form: `csv` or `jsonl`.
        reveal: must be true, and needs a right of its own: such a file has customers in the clear.

    Raises:
        CampaignError: there is no such campaign.
        UsageError: it is not to be revealed, or a CSV file cannot hold one of the rows unchanged.
    """
    if not reveal:
        raise UsageError(
            "A file for `blast` has customers in the clear: give --reveal too. It is recorded"
        )
    found = find_campaign(ledger, campaign)
    chosen = ISSUED_NOTHING.intersection(states)
    counts = balance(ledger, found.name).counts
    left_out = sum(count for state, count in counts.items() if state not in chosen)
    record_export(
        ledger, subject.acting(), campaign_target(found.name), form=f"{form} rows", reveal=True
    )
    with ledger.read() as connection:

        def read() -> Iterator[RefusedRow]:
            return read_refused_rows(connection, found, list(chosen))

        if form == "csv":
            columns = _columns(read())
            flat = (row for of_job in read() for row in _flat_rows(of_job))
            yield RowExport(found.name, left_out, columns, flat)
        else:
            yield RowExport(found.name, left_out, (), map(_nested_row, read()))


def _nested_row(of_job: RefusedRow) -> dict[str, Any]:
    outcomes = [_outcome(of_job, place) for place in range(len(of_job))]
    return _row(of_job) | {"outcome": outcomes[0] if len(outcomes) == 1 else outcomes}


def _row(of_job: RefusedRow) -> dict[str, Any]:
    first = of_job[0]
    return file_row(
        Variant(first.variant),
        first.body,
        Customer.parse(first.customer),
        first.scope,
        {line.request_id: line.reward_id for line in of_job},
    )


def _outcome(of_job: RefusedRow, place: int) -> dict[str, Any]:
    line = of_job[place]
    return {
        "line": line.source_line or None,
        "state": line.state,
        "code": line.code,
        "reason": reason(State(line.state), line.code, line.message),
        "message": line.message,
        "settledAt": iso(instant(line.settled_at)),
        "requestId": line.request_id,
    }


def _flat_rows(of_job: RefusedRow) -> Iterator[dict[str, str]]:
    """Make a row of each line: a file's row has one reward."""
    for place, line in enumerate(of_job):
        row = _row([line])
        outcome = {f"outcome.{name}": value for name, value in _outcome(of_job, place).items()}
        yield {name: _text(value) for name, value in (_flat(row) | outcome).items()}


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Name each value by its keys, with dots between them."""
    (reward,) = row.pop("rewards", ({},))
    if "params" in reward:
        reward["rewardParams"] = reward.pop("params")
    return dict(_leaves(row | reward, ""))


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{name}.{place}")
    else:
        yield name, value


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return to_json(value).decode()


def _columns(rows: Iterator[RefusedRow]) -> list[str]:
    """Return the columns that any row has; refuse what a CSV file would change."""
    found: dict[str, None] = {}
    for row in (row for of_job in rows for row in _flat_rows(of_job)):
        for name, value in row.items():
            if not name.startswith("outcome.") and csv_text(value) != value:
                raise UsageError(
                    f"Line {row['outcome.line'] or row['outcome.requestId']}, {name}: a "
                    "spreadsheet would run or change this value, so a CSV file cannot hold it: "
                    "export with --format jsonl"
                )
        found |= dict.fromkeys(row)
    first = [name for name in FIRST_COLUMNS if name in found] or list(FIRST_COLUMNS)
    others = [name for name in found if name not in (*FIRST_COLUMNS, *OUTCOME_COLUMNS)]
    return [*first, *others, *OUTCOME_COLUMNS]


def safe_cell(row: dict[str, Any], column: str) -> str:
    """Return a cell of a CSV file: what is not read again is made harmless for a spreadsheet."""
    value = row.get(column, "")
    return csv_text(value) if column.startswith("outcome.") else str(value)
