"""`issuance outcomes`: what came of every line of a campaign, streamed."""

import csv
import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import typer
from pydantic_core import to_json

from console.rendering.layout import say_row
from console.terminal import opened, remark
from issuance.states import State
from ledger.campaigns import find_campaign
from ledger.queries.balance import balance
from ledger.queries.outcomes import LineRecord
from ledger.queries.outcomes import outcomes as read_outcomes
from operations.formats import one_line
from operations.outcome_export import FIELDS, csv_cell, outcome_fields

_COLUMNS = "{state:<9} {code:>5} {units:>5} {reward:>6} {customer:<12} {request_id:<36}  {says}"
_LONGEST_CUSTOMER = 12


class Format(StrEnum):
    """How outcomes are written."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"


def outcomes(
    campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The campaign.")],
    *,
    state: Annotated[
        State | None,
        typer.Option(metavar="STATE", help=f"Only lines in this state: {', '.join(State)}."),
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="jsonl and csv have every field.")
    ] = Format.TABLE,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show customers and vouchers in the clear.")
    ] = False,
) -> None:
    """List a campaign's lines with their outcomes, oldest first; masked unless --reveal."""
    with opened() as (_, ledger):
        pruned = balance(ledger, campaign).pruned
        if pruned:
            remark(f"{pruned:,} lines of {campaign} were pruned and are not listed.")
        lines = read_outcomes(ledger, find_campaign(ledger, campaign), state=state)
        match form:
            case Format.TABLE:
                _write_table(lines, reveal=reveal)
            case Format.JSONL:
                _write_jsonl(lines, reveal=reveal)
            case Format.CSV:
                _write_csv(lines, reveal=reveal)


def _write_jsonl(lines: Iterable[LineRecord], *, reveal: bool) -> None:
    for line in lines:
        sys.stdout.write(to_json(outcome_fields(line, reveal=reveal)).decode() + "\n")


def _write_csv(lines: Iterable[LineRecord], *, reveal: bool) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(FIELDS)
    for line in lines:
        writer.writerow([csv_cell(value) for value in outcome_fields(line, reveal=reveal).values()])


def _write_table(lines: Iterable[LineRecord], *, reveal: bool) -> None:
    """Fixed columns, so that a million lines need no more memory than one; the last is what a terminal cuts."""
    titles = {
        "state": "state",
        "code": "code",
        "units": "units",
        "reward": "reward",
        "customer": "customer",
    }
    say_row(_COLUMNS.format(**titles, request_id="requestId", says="vouchers or message"))
    for line in lines:
        fields = outcome_fields(line, reveal=reveal)
        units = "-" if line.quantity is None else line.quantity
        row = _COLUMNS.format(
            state=fields["state"],
            code="" if line.code is None else line.code,
            units=f"{units}/{line.requested_quantity}",
            reward=line.reward_id,
            customer=_short_customer(fields["customer"]),
            request_id=line.request_id,
            says=("revoked: " if line.revoked_at else "")
            + (" ".join(fields["vouchers"]) or one_line(fields["message"])),
        )
        say_row(row.rstrip())


def _short_customer(customer: str) -> str:
    _, _, value = customer.partition(":")
    return value if len(value) <= _LONGEST_CUSTOMER else f"{value[: _LONGEST_CUSTOMER - 1]}…"
