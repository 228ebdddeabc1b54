"""`issuance outcomes`: lists a campaign's lines with their outcomes."""

import csv
import sys
from collections.abc import Iterable
from datetime import tzinfo
from enum import StrEnum
from typing import Annotated, assert_never

import typer
from pydantic_core import to_json

from console.rendering.layout import say_row
from console.terminal import opened, remark
from issuance.display import printable
from issuance.states import State
from ledger.queries.outcomes import LineRecord
from operations.formats import counted, one_line
from operations.outcome_export import (
    CSV_FIELDS,
    csv_cell,
    outcome_columns,
    outcome_fields,
    outcome_json,
)
from operations.outcomes import list_outcomes
from operations.time_zones import zone_of

_COLUMNS = "{state:<9} {code:>5} {units:>5} {reward:>6} {customer:<12} {request_id:<36}"
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
        Format, typer.Option("--format", help="jsonl and csv contain every field.")
    ] = Format.TABLE,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show customers and vouchers in the clear.")
    ] = False,
) -> None:
    """List a campaign's lines with their outcomes, oldest first; masked unless --reveal."""
    with opened() as (subject, services, ledger):
        export = None if form is Format.TABLE else form.value
        found = list_outcomes(subject, ledger, campaign, state=state, form=export, reveal=reveal)
        zone = zone_of(services, found.account)
        if found.pruned:
            remark(f"Not listed: {counted(found.pruned, 'pruned line')} of {found.campaign}.")
        match form:
            case Format.TABLE:
                _write_table(found.lines, reveal=reveal)
            case Format.JSONL:
                _write_jsonl(found.lines, zone, reveal=reveal)
            case Format.CSV:
                _write_csv(found.lines, zone, reveal=reveal)
            case _:
                assert_never(form)


def _write_jsonl(lines: Iterable[LineRecord], zone: tzinfo, *, reveal: bool) -> None:
    for line in lines:
        fields = outcome_json(line, zone, reveal=reveal)
        sys.stdout.write(printable(to_json(fields, inf_nan_mode="null").decode()) + "\n")


def _write_csv(lines: Iterable[LineRecord], zone: tzinfo, *, reveal: bool) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(CSV_FIELDS)
    for line in lines:
        columns = outcome_columns(line, zone, reveal=reveal)
        writer.writerow([csv_cell(value) for value in columns.values()])


def _write_table(lines: Iterable[LineRecord], *, reveal: bool) -> None:
    """Write fixed columns, so that memory does not grow with the number of lines."""
    titles = {name: name for name in ("state", "code", "units", "reward", "customer")}
    say_row(_COLUMNS.format(**titles, request_id="requestId"), "vouchers or message")
    for line in lines:
        fields = outcome_fields(line, reveal=reveal)
        kind, _, identifier = fields["customer"].partition(":")
        customer = kind if line.customer.is_erased else identifier
        fits = len(customer) <= _LONGEST_CUSTOMER
        row = _COLUMNS.format(
            state=fields["state"],
            code="" if line.code is None else line.code,
            units=f"{'-' if line.quantity is None else line.quantity}/{line.requested_quantity}",
            reward=one_line(str(line.reward)),
            customer=customer if fits else f"{customer[: _LONGEST_CUSTOMER - 1]}…",
            request_id=line.request_id,
        )
        revoked = "revoked: " if line.revoked_at else ""
        shown = revoked + (" ".join(fields["vouchers"]) or one_line(fields["message"]))
        say_row(row, shown if fits else f"{customer} · {shown}")
