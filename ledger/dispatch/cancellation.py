"""Cancellation: ends a campaign for good and settles its jobs that no worker holds."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, or_, select, update

from issuance.campaign_life import Act
from issuance.merge import settle_by
from issuance.outcome import Reason
from issuance.retry import Settle
from issuance.states import CampaignState, State
from ledger.audit_log import Operator
from ledger.campaigns import Campaign, change_state
from ledger.dead_letters.writing import open_dead_letter
from ledger.dispatch.reconciliation import RECONCILE_NOW
from ledger.store.clock import now_ms
from ledger.store.commit_log import log_jobs_after_commit
from ledger.store.database import Ledger
from ledger.store.schema import IS_OPEN, campaigns, jobs, lines


def cancel_campaign(
    ledger: Ledger,
    name: str,
    operator: Operator,
    *,
    notify: Callable[[Campaign], None] = lambda _: None,
) -> Campaign:
    """Cancel a campaign and its unsent jobs; doubtful ones are reconciled, calls under way finish.

    `notify` is called after the state has changed and before jobs are settled, which can take
    seconds: workers should stop earlier.
    """
    campaign = change_state(ledger, name, operator, Act.CANCEL)
    notify(campaign)
    settle_cancelled(ledger)
    return campaign


def settle_cancelled(ledger: Ledger, limit: int = 50_000) -> int:
    """Settle waiting and queued jobs of cancelled campaigns; returns how many were handled.

    A job that was never sent becomes cancelled. One that may have been issued is reconciled instead
    of resent. One that was refused for a transient reason fails and gets a dead letter.
    """
    with ledger.write() as connection:
        cancelled = select(campaigns.c.id).where(campaigns.c.state == CampaignState.CANCELLED)
        return settle_unsent(
            connection, jobs.c.campaign_id.in_(cancelled), "the campaign was cancelled", limit
        )


def settle_unsent(
    connection: Connection, of_jobs: ColumnElement[bool], because: str, limit: int
) -> int:
    """Settle up to `limit` waiting and queued jobs that fit a condition; returns how many.

    Args:
        connection: the transaction.
        of_jobs: the condition.
        because: why they are not sent, for the log and for dead letters.
        limit: bounds the transaction.
    """
    now = connection.scalar(select(now_ms()))
    chosen = _cancellable(connection, of_jobs, limit)
    unsent = [row.number for row in chosen if not row.may_have_reached and row.attempts == 0]
    doubted = [row.number for row in chosen if row.may_have_reached]
    for start in range(0, len(unsent), _BATCH):
        cancelled = _settle(connection, unsent[start : start + _BATCH], State.CANCELLED, now)
        log_jobs_after_commit(connection, "jobs_cancelled", cancelled)
    for start in range(0, len(doubted), _BATCH):
        numbers = doubted[start : start + _BATCH]
        connection.execute(_RECONCILE, {"job_numbers": numbers})
        waiting = select(lines.c.request_id).where(lines.c.job_number.in_(numbers))
        log_jobs_after_commit(
            connection,
            "reconciliation_scheduled",
            connection.scalars(waiting).all(),
            because=because,
        )
    for row in chosen:
        if row.attempts and not row.may_have_reached:
            _settle_refused(connection, row, now, because)
    return len(chosen)


_BATCH = 500
_RECONCILE = (
    update(jobs)
    .where(jobs.c.number.in_(bindparam("job_numbers", expanding=True)))
    .values(RECONCILE_NOW | {"state": State.WAITING, "lease_until": None})
)


class _Cancellable(NamedTuple):
    number: int
    campaign_id: int
    may_have_reached: bool
    attempts: int


def _cancellable(
    connection: Connection, of_jobs: ColumnElement[bool], limit: int
) -> list[_Cancellable]:
    query = (
        select(jobs.c.number, jobs.c.campaign_id, jobs.c.may_have_reached, jobs.c.attempts)
        .where(
            IS_OPEN,
            of_jobs,
            jobs.c.state != State.RUNNING,
            jobs.c.fallback.is_(None),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(map(_Cancellable._make, connection.execute(query)))


def _settle(
    connection: Connection, numbers: list[int], state: State, now: int | None
) -> Sequence[str]:
    """Settle jobs and their waiting lines; returns the requestIds of these lines."""
    connection.execute(
        update(jobs)
        .where(jobs.c.number.in_(numbers))
        .values(state=state, open_lines=0, lease_until=None, settled_at=now)
    )
    settled = connection.scalars(
        update(lines)
        .where(lines.c.job_number.in_(numbers), lines.c.state == State.WAITING)
        .values(state=state, settled_at=now)
        .returning(lines.c.request_id)
    )
    return settled.all()


def _settle_refused(
    connection: Connection, row: _Cancellable, now: int | None, because: str
) -> None:
    """Settle a job that was refused for a transient reason; units that replies showed count."""
    shows_units = or_(lines.c.quantity > 0, lines.c.vouchers.is_not(None))
    connection.execute(
        update(lines)
        .where(lines.c.job_number == row.number, lines.c.state == State.WAITING, shows_units)
        .values(state=State.PARTIAL, settled_at=now)
    )
    _settle(connection, [row.number], State.FAILED, now)
    states = connection.scalars(select(lines.c.state).where(lines.c.job_number == row.number))
    settle = settle_by([State(found) for found in states], Settle(State.FAILED, Reason.EXHAUSTED))
    connection.execute(update(jobs).where(jobs.c.number == row.number).values(state=settle.state))
    reason = settle.reason or Reason.EXHAUSTED
    message = f"{because} before another attempt"
    open_dead_letter(
        connection, row.number, row.campaign_id, reason=reason, code=None, message=message
    )
