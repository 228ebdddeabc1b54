"""`issuance customer`: shows every line of one customer, or erases the customer."""

import sys
from typing import Annotated

import typer
from pydantic_core import to_json

from console.commands.country_option import CountryOption
from console.rendering.customer import erasure_lines, page_lines, remaining_lines
from console.rendering.layout import say, say_row
from console.terminal import EXIT_REFUSED, opened, remark
from issuance.account import DEFAULT_ACCOUNT
from issuance.customer import Customer
from issuance.masking import mask_customer
from operations.access.roles import Right
from operations.customers import (
    erase_customer,
    page_json,
    plan_customer_erasure,
    show_customer,
)
from operations.errors import UsageError
from operations.formats import counted
from operations.services import Services
from producers.background import read_customer
from producers.fields.line import Identifiers

app = typer.Typer(
    help="Show every line of one customer, or erase the customer.",
    no_args_is_help=True,
    add_completion=False,
)

_STDIN = "-"
_LONGEST_INPUT = 1_024
_PAGE_LINES = 100
_LINES_MOST = 1_000


def _option(name: str, help_text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        name, metavar="X", help=help_text, show_default=False
    )
    return option


Mobile = Annotated[
    str | None,
    _option("--mobile", "The customer's mobile; - reads it from standard input, unseen by `ps`."),
]
Email = Annotated[str | None, _option("--email", "The e-mail address, or -.")]
ExternalId = Annotated[str | None, _option("--external-id", "The external id, or -.")]


@app.command()
def show(
    *,
    mobile: Mobile = None,
    email: Email = None,
    external_id: ExternalId = None,
    country: CountryOption = None,
    limit: Annotated[
        int, typer.Option(min=1, max=_LINES_MOST, help="Most lines to list.")
    ] = _PAGE_LINES,
    page: Annotated[int, typer.Option(min=1, help="Which page of the list.")] = 1,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show customer and vouchers in the clear.")
    ] = False,
    note: Annotated[
        str, typer.Option("--note", help="Why you reveal them, without the identifier.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
) -> None:
    """List a customer's lines over all campaigns, the newest first; masked."""
    with opened() as (subject, services, ledger):
        customer = _read(services, Identifiers(mobile, email, external_id), country)
        found = show_customer(
            subject, ledger, customer, limit=limit, page=page, reveal=reveal, note=note
        )
        if as_json:
            fields = page_json(services, found, reveal=reveal)
            say(to_json(fields, inf_nan_mode="null").decode())
            return
        for row, details in page_lines(found, reveal=reveal):
            say_row(row, details)
        last = found.first + len(found.lines) - 1
        listed = f"{found.first:,} to {last:,}" if found.lines else "none"
        shown = str(customer) if reveal else mask_customer(customer)
        remark(f"{shown}: {listed} of {counted(found.total, 'line')}.")
        if found.first and last < found.total:
            remark(f"--page {page + 1} lists more.")


@app.command()
def erase(
    *,
    mobile: Mobile = None,
    email: Email = None,
    external_id: ExternalId = None,
    country: CountryOption = None,
    note: Annotated[
        str, typer.Option("--note", help="Why, without the identifier; recorded with your name.")
    ] = "",
    vacuum: Annotated[
        bool,
        typer.Option("--vacuum", help="Then also rewrite the file (VACUUM); writers wait."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Overwrite what the ledger knows of a customer, for good; counts and requestIds stay."""
    with opened() as (subject, services, ledger):
        subject.require(Right.ERASE)  # before the identifier is read
        from_stdin = _STDIN in (mobile, email, external_id)
        customer = _read(services, Identifiers(mobile, email, external_id), country)
        plan = plan_customer_erasure(subject, ledger, customer, note)
        for line in erasure_lines(plan):
            remark(line)
        _confirm(yes=yes or not plan.jobs, may_ask=not from_stdin)
        erasure = erase_customer(subject, ledger, customer, note.strip(), vacuum=vacuum)
    done = erasure.done
    say(f"erased {counted(done.jobs, 'job')} ({counted(done.lines, 'line')})")
    for line in remaining_lines(erasure, vacuum=vacuum):
        remark(line)
    if erasure.is_overwritten and not erasure.log_is_empty:
        sys.exit(EXIT_REFUSED)


def _read(services: Services, given: Identifiers, country: str | None) -> Customer:
    """Read the identifier as all ways in do; `-` stands for the first line of standard input."""
    values = {name: getattr(given, name) for name in ("mobile", "email", "external_id")}
    if list(values.values()).count(_STDIN) > 1:
        raise UsageError("Only one identifier can be read from standard input")
    read = Identifiers(
        **{name: _from_stdin() if text == _STDIN else text for name, text in values.items()}
    )
    account = services.accounts.find(DEFAULT_ACCOUNT)
    return read_customer(read, country or (account.country if account else "") or None)


def _from_stdin() -> str:
    text = sys.stdin.readline(_LONGEST_INPUT).strip()
    if not text:
        raise UsageError("Standard input is empty: write the identifier on its first line")
    return text


def _confirm(*, yes: bool, may_ask: bool) -> None:
    if yes:
        return
    question = "Erase the customer? This cannot be undone."
    if not (may_ask and sys.stdin.isatty()):
        raise UsageError(f"{question} There is no terminal to ask on: give --yes")
    typer.confirm(question, abort=True, err=True)
