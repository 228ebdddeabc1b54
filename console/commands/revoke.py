"""`issuance revoke`: takes an issued reward back, with a reason and a confirmation."""

import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from console.rendering.layout import say
from console.terminal import EXIT_FAILED, complain, opened, remark
from issuance.masking import mask, mask_customer
from ledger.revocations import Revocation, Verb
from operations.errors import UsageError
from operations.formats import clock, counted, one_line
from operations.revocation import plan, revoke_reward


def revoke(
    request_id: Annotated[
        str,
        typer.Argument(
            metavar="REQUEST_ID", help="The requestId of an issued line.", show_default=False
        ),
    ],
    *,
    note: Annotated[
        str,
        typer.Option(
            help="Why; recorded with your name, in the ledger and at the API.", show_default=False
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Cancel an issued reward's whole transaction and return its points; cannot be undone."""
    with opened() as (subject, services, ledger):
        if not note.strip():
            raise UsageError('Say why with --note "…"; it is recorded with your name')
        planned = plan(subject, services, ledger, request_id)
        for line in _preview(planned.revocation):
            remark(line)
        _confirm(yes=yes)
        verdict = revoke_reward(subject, ledger, planned.account, request_id, note.strip())
    say(f"{request_id}: {verdict.says}")
    if verdict.verb is not Verb.REVOKED:
        complain(
            verdict.remedy, label="Not revoked" if verdict.verb is Verb.NOT_REVOKED else "In doubt"
        )
        sys.exit(EXIT_FAILED)


def _preview(revocation: Revocation) -> Iterator[str]:
    count = counted(len(revocation.transaction_ids), "transaction")
    yield f"To be revoked: {count} of {revocation.line.campaign}"
    yield f"  customer      {mask_customer(revocation.line.customer)}"
    yield f"  transactions  {', '.join(map(one_line, revocation.transaction_ids))}"
    line = revocation.line
    units = "units unknown" if line.quantity is None else counted(line.quantity, "unit")
    yield f"  reward        {one_line(str(line.reward))}, {units}, issued {clock(line.settled_at)}"
    if line.vouchers:
        yield f"  vouchers      {' '.join(map(mask, line.vouchers))}"
    if revocation.asked_before:
        yield "  It was requested before; that result is unknown."


def _confirm(*, yes: bool) -> None:
    if yes:
        return
    question = "Revoke it? Its vouchers end and its points are returned; this cannot be undone."
    if not sys.stdin.isatty():
        raise UsageError(f"{question} There is no terminal to ask on: give --yes")
    typer.confirm(question, abort=True, err=True)
