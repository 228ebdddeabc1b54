"""Resend: lets dead letters' jobs run again with the same bytes and the same requestIds."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, select, update

from issuance.states import DeadLetterState, State
from ledger.campaigns import wake_campaign
from ledger.dead_letters.locking import LockedDeadLetter
from ledger.store.clock import now_ms
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import dead_letters as letters
from ledger.store.schema import jobs, lines

KEPT = (State.ISSUED, State.REVOKED, State.REPLACED)
"""The states that lines keep when their job is resent."""


def resend(connection: Connection, rows: Sequence[LockedDeadLetter], due_at: Sequence[int]) -> None:
    """Give the dead letters' jobs a new retry budget. Lines keep the states of `KEPT`.

    In a cancelled campaign nothing more may be issued, so its jobs are reconciled instead of sent.

    Args:
        connection: the transaction, which has locked jobs and letters.
        rows: the dead letters.
        due_at: when each job is due, by the ledger's clock.
    """
    numbers = [row.job_number for row in rows]
    connection.execute(
        update(lines)
        .where(lines.c.job_number.in_(numbers), lines.c.state.not_in(KEPT))
        .values(state=State.WAITING, settled_at=None)
    )
    connection.execute(update(jobs).where(jobs.c.number.in_(numbers)).values(_FRESH))
    dialect_of(connection).execute_rows(
        connection,
        "UPDATE jobs SET due_at = ? WHERE number = ?",
        list(zip(due_at, numbers, strict=True)),
    )
    cancelled = [row.job_number for row in rows if row.case.campaign_cancelled]
    connection.execute(
        update(jobs).where(jobs.c.number.in_(cancelled)).values(fallback=State.IN_DOUBT)
    )
    connection.execute(
        update(letters)
        .where(letters.c.id.in_([row.id for row in rows]))
        .values(state=DeadLetterState.REDRIVEN, changed_at=now_ms())
    )
    for campaign_id in sorted({row.campaign_id for row in rows}):
        wake_campaign(connection, campaign_id)


_UNSETTLED = select(func.count()).where(
    lines.c.job_number == jobs.c.number, lines.c.state == State.WAITING
)
_FRESH: dict[str, Any] = {
    "state": State.WAITING,
    "open_lines": _UNSETTLED.scalar_subquery(),
    "settled_at": None,
    "chunk_id": None,
    "claims": 0,
    "budget_attempts": 0,
    "budget_started_at": None,
    "limit_deferrals": 0,
    "fallback": None,
    "empty_reads": 0,
    "redrives": jobs.c.redrives + 1,
}
