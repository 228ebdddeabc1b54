"""`issuance revoke`: takes an issued reward back, with a reason and a confirmation."""

import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from console.rendering.layout import say
from console.terminal import EXIT_FAILED, complain, opened, operator, remark
from issuance.account import DEFAULT_ACCOUNT
from issuance.masking import mask, mask_customer
from ledger.campaigns import campaign_account
from ledger.revocations import Revocation, Verb, plan_revocation
from operations.errors import UsageError
from operations.formats import clock, counted, one_line
from operations.revocation import revoke_reward


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
    with opened() as (services, ledger):
        if not note.strip():
            raise UsageError('Say why with --note "…"; it is recorded with your name')
        who = operator(services, note.strip())
        revocation = plan_revocation(ledger, request_id)
        account = services.api_account(
            campaign_account(ledger, revocation.line.campaign) or DEFAULT_ACCOUNT
        )
        for line in _preview(revocation):
            remark(line)
        _confirm(yes=yes)
        verdict = revoke_reward(ledger, account, request_id, who)
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
