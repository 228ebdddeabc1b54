"""Revocation: takes an issued reward back at the API, and records what the API answered."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from issuance.account import DEFAULT_ACCOUNT
from ledger.audit_log import Operator
from ledger.campaigns import campaign_account
from ledger.revocations import Revocation, begin_revocation, end_revocation, plan_revocation
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.revocation_verdict import Verdict, judge_revocation
from operations.services import Services
from rewards_api.account import ApiAccount
from rewards_api.client import RewardsClient
from rewards_api.reads import RevokeReply

log = structlog.get_logger("issuance.console")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a revocation would do, and the account that it would call."""

    revocation: Revocation
    account: ApiAccount


@needs(Right.REVOKE)
def plan(subject: Subject, services: Services, ledger: Ledger, request_id: str) -> Plan:
    """Find out what revoking a line would do.

    Raises:
        RevocationError: the line cannot be revoked.
        AccountError: its account is not there any more.
        ValueError: its account cannot be used.
    """
    revocation = plan_revocation(ledger, request_id)
    account = campaign_account(ledger, revocation.line.campaign) or DEFAULT_ACCOUNT
    return Plan(revocation, services.api_account(account))


@needs(Right.REVOKE)
def revoke_reward(
    subject: Subject, ledger: Ledger, account: ApiAccount, request_id: str, note: str
) -> Verdict:
    """Revoke every transaction of an issued line, and record the result.

    Args:
        subject: asks for it; its name goes to the API.
        ledger: the record.
        account: the API account to call.
        request_id: the line's requestId.
        note: the reason, which goes to the API too.

    Raises:
        RevocationError: the line cannot be revoked.
    """
    who = subject.acting(note)
    revocation = begin_revocation(ledger, request_id, who)
    replies = asyncio.run(_call(account, revocation.transaction_ids, who))
    by_transaction = dict(zip(revocation.transaction_ids, replies, strict=True))
    verdict = judge_revocation(
        by_transaction, asked_before=revocation.asked_before, known=revocation.line.known
    )
    end_revocation(ledger, revocation, verdict.verb, who, verdict.says)
    log_verdict(revocation, verdict, who)
    return verdict


def log_verdict(revocation: Revocation, verdict: Verdict, who: Operator) -> None:
    """Log the end of a revocation; by default a command's log does not show it, as it answers."""
    log.info(
        "revocation_ended",
        verdict=verdict.verb.value,
        request_id=revocation.line.request_id,
        campaign=revocation.line.campaign,
        operator=who.name,
    )


async def _call(
    account: ApiAccount, transaction_ids: Sequence[str], who: Operator
) -> list[RevokeReply]:
    async with RewardsClient(account) as client:
        return [
            await client.revoke(transaction, who.note, who.name) for transaction in transaction_ids
        ]
