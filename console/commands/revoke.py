"""`issuance revoke`: take an issued reward back at the API, once somebody has said why and confirmed it."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated

import structlog
import typer

from console.rendering.layout import say
from console.revoke_verdict import Verdict, judge_revocation
from console.terminal import EXIT_FAILED, complain, opened, operator, remark
from issuance.masking import mask, mask_customer
from ledger.audit_log import Operator
from ledger.revocations import Revocation, Verb, begin_revocation, end_revocation, plan_revocation
from ledger.store.database import Ledger
from operations.errors import UsageError
from operations.formats import clock, counted, one_line
from rewards_api.account import ApiAccount
from rewards_api.client import RewardsClient
from rewards_api.reads import RevokeReply

log = structlog.get_logger("issuance.console")


def revoke(
    request_id: Annotated[str, typer.Argument(metavar="REQUEST_ID", help="The issued line's.", show_default=False)],
    *,
    note: Annotated[str, typer.Option(help="Why; recorded with your name, here and at the API.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take an issued reward back: its whole transaction is cancelled and its points are given back, for good."""
    with opened() as (services, ledger):
        if not note.strip():
            raise UsageError('Say why with --note "…"; it is recorded with your name')
        who = operator(note.strip())
        account = services.account
        for line in _preview(plan_revocation(ledger, request_id)):
            remark(line)
        _confirm(yes=yes)
        verdict = _revoke(ledger, account, request_id, who)
    say(f"{request_id}: {verdict.says}")
    if verdict.verb is not Verb.REVOKED:
        complain(verdict.remedy, label="Not revoked" if verdict.verb is Verb.NOT_REVOKED else "In doubt")
        sys.exit(EXIT_FAILED)


def _preview(revocation: Revocation) -> Iterator[str]:
    yield f"To be revoked: {counted(len(revocation.transaction_ids), 'transaction')} of {revocation.line.campaign}"
    yield f"  customer      {mask_customer(revocation.line.customer)}"
    yield f"  transactions  {', '.join(map(one_line, revocation.transaction_ids))}"
    line = revocation.line
    units = "units unknown" if line.quantity is None else counted(line.quantity, "unit")
    yield f"  reward        {line.reward_id}, {units}, issued {clock(line.settled_at)}"
    if line.vouchers:
        yield f"  vouchers      {' '.join(map(mask, line.vouchers))}"
    if revocation.asked_before:
        yield "  It was asked for before, and what came of it is not known."


def _confirm(*, yes: bool) -> None:
    if yes:
        return
    question = "Revoke it? Its vouchers end and its points are given back; this cannot be undone."
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody is here to be asked: give --yes")
    typer.confirm(question, abort=True, err=True)


def _revoke(ledger: Ledger, account: ApiAccount, request_id: str, who: Operator) -> Verdict:
    revocation = begin_revocation(ledger, request_id, who)
    replies = asyncio.run(_call(account, revocation.transaction_ids, who))
    by_transaction = dict(zip(revocation.transaction_ids, replies, strict=True))
    verdict = judge_revocation(by_transaction, asked_before=revocation.asked_before)
    end_revocation(ledger, revocation, verdict.verb, Operator(who.name, verdict.says))
    # A warning, so that it stands in every log: an operator took something back.
    log.warning(verdict.verb.value, request_id=request_id, campaign=revocation.line.campaign, operator=who.name)
    return verdict


async def _call(account: ApiAccount, transaction_ids: Sequence[str], who: Operator) -> list[RevokeReply]:
    async with RewardsClient(account) as client:
        return [await client.revoke(transaction, who.note, who.name) for transaction in transaction_ids]
