"""`issuance outcomes`: lists a campaign's lines with their outcomes, or exports them."""

import csv
import sys
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Annotated, Any, assert_never

import typer
from pydantic_core import to_json

from console.rendering.layout import say_row
from console.terminal import opened, remark
from issuance.display import printable
from issuance.states import State
from ledger.queries.outcomes import LineRecord
from ledger.store.database import Ledger
from operations.access.subject import Subject
from operations.errors import UsageError
from operations.formats import counted, one_line
from operations.outcome_export import (
    BYTE_ORDER_MARK,
    csv_texts,
    jsonl_texts,
    outcome_fields,
)
from operations.outcomes import NOT_ISSUED, list_outcomes
from operations.row_export import export_rows, safe_cell
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
    states: Annotated[
        list[State] | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help=f"Only lines in this state: {', '.join(State)}. Repeatable: any of them.",
        ),
    ] = None,
    not_issued: Annotated[
        bool, typer.Option("--not-issued", help="Only lines whose customer has not got all units.")
    ] = False,
    form: Annotated[
        Format, typer.Option("--format", help="jsonl and csv contain every field.")
    ] = Format.TABLE,
    rows: Annotated[
        bool,
        typer.Option(
            "--rows",
            help="As a file that `blast` reads again, csv or jsonl: lines that issued nothing.",
        ),
    ] = False,
    excel: Annotated[
        bool, typer.Option("--excel", help="CSV that Excel opens with the right letters.")
    ] = False,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show customers and vouchers in the clear.")
    ] = False,
) -> None:
    """List a campaign's lines with their outcomes, oldest first; masked unless --reveal."""
    chosen = _chosen(states or [], not_issued=not_issued)
    form = Format.CSV if form is Format.TABLE and (rows or excel) else form
    with opened() as (subject, services, ledger):
        if excel and form is not Format.CSV:
            raise UsageError("--excel is for CSV: leave out --format, or give --format csv")
        if rows:
            _export_rows(subject, ledger, campaign, chosen, form, excel=excel, reveal=reveal)
            return
        export = None if form is Format.TABLE else form.value
        found = list_outcomes(subject, ledger, campaign, states=chosen, form=export, reveal=reveal)
        zone = zone_of(services, found.account)
        if found.pruned:
            remark(f"Not listed: {counted(found.pruned, 'pruned line')} of {found.campaign}.")
        match form:
            case Format.TABLE:
                _write_table(found.lines, reveal=reveal)
            case Format.JSONL:
                sys.stdout.writelines(jsonl_texts(found.lines, zone, reveal=reveal))
            case Format.CSV:
                texts = csv_texts(found.lines, zone, excel=excel, reveal=reveal)
                sys.stdout.writelines(texts)
            case _:
                assert_never(form)


def _chosen(states: list[State], *, not_issued: bool) -> list[State]:
    """Return the wanted states; empty: all."""
    if not not_issued:
        return states
    return [state for state in NOT_ISSUED if state in states] if states else [*NOT_ISSUED]


def _export_rows(
    subject: Subject,
    ledger: Ledger,
    campaign: str,
    states: Collection[State],
    form: Format,
    *,
    excel: bool,
    reveal: bool,
) -> None:
    wanted = states or list(State)
    with export_rows(
        subject, ledger, campaign, states=wanted, form=form.value, reveal=reveal
    ) as export:
        if export.left_out:
            remark(
                f"Left out: {counted(export.left_out, 'line')} of {export.campaign} in another "
                "state, or that may be issued. Issuing those again could issue twice."
            )
        if form is Format.JSONL:
            for row in export.rows:
                sys.stdout.write(printable(to_json(row).decode()) + "\n")
            return
        writer = _csv_writer(excel=excel)
        writer.writerow(export.columns)
        for row in export.rows:
            writer.writerow([safe_cell(row, column) for column in export.columns])


def _csv_writer(*, excel: bool) -> Any:
    """Make a writer to standard output; Excel takes UTF-8 only with a byte order mark."""
    if excel:
        sys.stdout.write(BYTE_ORDER_MARK)
    return csv.writer(sys.stdout, lineterminator="\r\n" if excel else "\n")


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
