"""The reaper: gives back jobs whose lease has lapsed."""

from sqlalchemy import Connection, and_, bindparam, or_, select, update

from issuance.outcome import Reason
from issuance.states import State
from ledger.dead_letters.writing import open_dead_letter
from ledger.dispatch.claims import CLAIMS_MAX
from ledger.dispatch.reconciliation import RECONCILE_NOW
from ledger.store.clock import now_ms
from ledger.store.commit_log import log_jobs_after_commit
from ledger.store.database import Ledger
from ledger.store.schema import IS_LEASED, jobs, lines


def reap(ledger: Ledger) -> int:
    """Give back jobs whose lease has lapsed; returns how many. Their message or worker is lost.

    A job that was running is marked as possibly sent. One that has lost `CLAIMS_MAX` workers is
    poison: it is reconciled once, alone in its chunk, and settled as in doubt if that loses a
    worker too.
    """
    with ledger.write() as connection:
        lapsed = and_(IS_LEASED, jobs.c.lease_until < now_ms())
        # A row that is locked now is being recorded or claimed, so it is not lost.
        query = select(
            jobs.c.number, jobs.c.campaign_id, jobs.c.state, jobs.c.claims, jobs.c.fallback
        ).where(lapsed)
        rows = connection.execute(query.with_for_update(skip_locked=True)).all()
        for state, lost in ((State.QUEUED, "message"), (State.RUNNING, "worker")):
            fields = {"level": "warning", "lost": lost}
            _log(
                connection,
                "leases_lapsed",
                [row.number for row in rows if row.state == state],
                **fields,
            )
        numbers = [row.number for row in rows if row.claims < CLAIMS_MAX]
        for start in range(0, len(numbers), _BATCH):
            connection.execute(_GIVE_BACK, {"job_numbers": numbers[start : start + _BATCH]})
        for row in (row for row in rows if row.claims >= CLAIMS_MAX):
            if row.fallback is None:
                connection.execute(_RECONCILE, {"job_number": row.number})
                _log(
                    connection,
                    "reconciliation_scheduled",
                    [row.number],
                    because="it lost its workers",
                )
            else:
                _settle_poison(connection, row.number, row.campaign_id)
        return len(rows)


def _log(connection: Connection, event: str, numbers: list[int], **fields: str) -> None:
    for start in range(0, len(numbers), _BATCH):
        of_jobs = select(lines.c.request_id).where(
            lines.c.job_number.in_(numbers[start : start + _BATCH])
        )
        request_ids = connection.scalars(
            of_jobs.order_by(lines.c.job_number, lines.c.position)
        ).all()
        log_jobs_after_commit(connection, event, request_ids, **fields)


_BATCH = 500
_GIVE_BACK = (
    update(jobs)
    .where(jobs.c.number.in_(bindparam("job_numbers", expanding=True)))
    .values(
        state=State.WAITING,
        lease_until=None,
        chunk_id=None,
        # `due_at` stays, so that `queries.stalls` finds a job that is released again and again
        # without a call.
        may_have_reached=or_(jobs.c.may_have_reached, jobs.c.state == State.RUNNING),
    )
)


# One claim is left: if the reconciliation loses its worker too, the job is settled.
_RECONCILE = (
    update(jobs)
    .where(jobs.c.number == bindparam("job_number"))
    .values(RECONCILE_NOW)
    .values(
        state=State.WAITING,
        lease_until=None,
        chunk_id=None,
        claims=CLAIMS_MAX - 1,
        may_have_reached=True,
    )
)


def _settle_poison(connection: Connection, number: int, campaign_id: int) -> None:
    now = now_ms()
    connection.execute(
        update(jobs)
        .where(jobs.c.number == number)
        .values(
            state=State.IN_DOUBT,
            open_lines=0,
            lease_until=None,
            claims=0,
            may_have_reached=True,
            settled_at=now,
        )
    )
    connection.execute(
        update(lines)
        .where(lines.c.job_number == number, lines.c.state == State.WAITING)
        .values(state=State.IN_DOUBT, settled_at=now)
    )
    message = f"its worker died {CLAIMS_MAX} times or more while working on it"
    open_dead_letter(
        connection, number, campaign_id, reason=Reason.IN_DOUBT, code=None, message=message
    )
