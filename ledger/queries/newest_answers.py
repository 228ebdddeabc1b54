"""What the API answered to the newest calls; reads a bounded number of them."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select

from ledger.store.clock import instant, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import attempts, campaigns, jobs

NEWEST_CALLS = 500
"""As many calls of all accounts are read."""
_BACK_MS = 3_600_000


class AnswerCount(NamedTuple):
    """Calls with the same answer."""

    kind: str
    """Of the outcome, as `issuance.outcome` names it."""
    http_status: int | None
    """None: there was no answer."""
    code: int | None
    """The API's own."""
    calls: int
    newest: datetime | None


def newest_answers(ledger: Ledger, account: str) -> list[AnswerCount]:
    """Count an account's answers among the newest calls of the last hour, most frequent first."""
    newest = (
        select(attempts)
        .where(attempts.c.started_at >= now_ms() - _BACK_MS)
        .order_by(attempts.c.started_at.desc())
        .limit(NEWEST_CALLS)
        .subquery()
    )
    what = (newest.c.kind, newest.c.http_status, newest.c.code)
    query = (
        select(*what, func.count(), func.max(newest.c.started_at))
        .join_from(newest, jobs, jobs.c.number == newest.c.job_number)
        .join(campaigns, campaigns.c.id == jobs.c.campaign_id)
        .where(campaigns.c.account == account)
        .group_by(*what)
    )
    with ledger.read() as connection:
        found = [
            AnswerCount(kind, status, code, count, instant(at))
            for kind, status, code, count, at in connection.execute(query)
        ]
    return sorted(found, key=lambda each: -each.calls)
