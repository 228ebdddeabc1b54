"""Revocation: takes an issued reward back at the API, and records what the API answered."""

import asyncio
from collections.abc import Sequence

import structlog

from ledger.audit_log import Operator
from ledger.revocations import begin_revocation, end_revocation
from ledger.store.database import Ledger
from operations.revocation_verdict import Verdict, judge_revocation
from rewards_api.account import ApiAccount
from rewards_api.client import RewardsClient
from rewards_api.reads import RevokeReply

log = structlog.get_logger("issuance.console")


def revoke_reward(ledger: Ledger, account: ApiAccount, request_id: str, who: Operator) -> Verdict:
    """Revoke every transaction of an issued line, and record the result.

    Args:
        ledger: the record.
        account: the API account to call.
        request_id: the line's requestId.
        who: the operator, whose note goes to the API as the reason.

    Raises:
        RevocationError: the line cannot be revoked.
    """
    revocation = begin_revocation(ledger, request_id, who)
    replies = asyncio.run(_call(account, revocation.transaction_ids, who))
    by_transaction = dict(zip(revocation.transaction_ids, replies, strict=True))
    verdict = judge_revocation(
        by_transaction, asked_before=revocation.asked_before, known=revocation.line.known
    )
    end_revocation(ledger, revocation, verdict.verb, Operator(who.name, verdict.says))
    # A warning, so that a log without INFO shows it too: an operator took a reward back.
    log.warning(
        "revocation_ended",
        verdict=verdict.verb.value,
        request_id=request_id,
        campaign=revocation.line.campaign,
        operator=who.name,
    )
    return verdict


async def _call(
    account: ApiAccount, transaction_ids: Sequence[str], who: Operator
) -> list[RevokeReply]:
    async with RewardsClient(account) as client:
        return [
            await client.revoke(transaction, who.note, who.name) for transaction in transaction_ids
        ]
