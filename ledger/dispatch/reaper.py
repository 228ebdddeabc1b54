"""The reaper: jobs whose lease has lapsed go back to the ledger, or are reconciled instead of being sent again."""

from sqlalchemy import Connection, and_, bindparam, or_, select, update

from issuance.outcome import Reason
from issuance.states import State
from ledger.dead_letters.writing import open_letter
from ledger.dispatch.claims import CLAIMS_MAX
from ledger.dispatch.reconciliation import LOOK_UP_NOW
from ledger.store.clock import now_ms
from ledger.store.commit_log import note_jobs
from ledger.store.database import Ledger
from ledger.store.schema import IS_LEASED, jobs, lines


def reap(ledger: Ledger) -> int:
    """Give back jobs whose lease has lapsed: their message or their worker is gone. Returns how many.

    A job that was running may have reached the API, which is remembered; one that lost its worker
    `CLAIMS_MAX` times is looked up instead of being sent again, alone in its chunk, and settled as
    in doubt when that loses a worker too.
    """
    with ledger.write() as connection:
        lapsed = and_(IS_LEASED, jobs.c.lease_until < now_ms())
        # What another holds locked at this moment is being recorded or claimed: it is no orphan.
        query = select(
            jobs.c.number, jobs.c.campaign_id, jobs.c.state, jobs.c.claims, jobs.c.look_up
        ).where(lapsed)
        rows = connection.execute(query.with_for_update(skip_locked=True)).all()
        for state, lost in ((State.QUEUED, "message"), (State.RUNNING, "worker")):
            told = {"level": "warning", "lost": lost}
            _tell(
                connection,
                "leases lapsed",
                [row.number for row in rows if row.state == state],
                **told,
            )
        numbers = [row.number for row in rows if row.claims < CLAIMS_MAX]
        for start in range(0, len(numbers), _BATCH):
            connection.execute(_GIVE_BACK, {"numbers": numbers[start : start + _BATCH]})
        for row in (row for row in rows if row.claims >= CLAIMS_MAX):
            if row.look_up is None:
                connection.execute(_LOOK_UP, {"the_job": row.number})
                _tell(connection, "to be looked up", [row.number], because="it lost its workers")
            else:
                _settle_poison(connection, row.number, row.campaign_id)
        return len(rows)


def _tell(connection: Connection, event: str, numbers: list[int], **fields: str) -> None:
    for start in range(0, len(numbers), _BATCH):
        of_jobs = select(lines.c.request_id).where(
            lines.c.job_number.in_(numbers[start : start + _BATCH])
        )
        request_ids = connection.scalars(
            of_jobs.order_by(lines.c.job_number, lines.c.position)
        ).all()
        note_jobs(connection, event, request_ids, **fields)


_BATCH = 500
_GIVE_BACK = (
    update(jobs)
    .where(jobs.c.number.in_(bindparam("numbers", expanding=True)))
    .values(
        state=State.WAITING,
        lease_until=None,
        chunk_id=None,
        # Due since it was: by this a job is found that goes round without ever being called
        # (`ledger.queries.stalls`).
        may_have_reached=or_(jobs.c.may_have_reached, jobs.c.state == State.RUNNING),
    )
)


# One claim is left to it: a look that loses a worker as well is the last.
_LOOK_UP = (
    update(jobs)
    .where(jobs.c.number == bindparam("the_job"))
    .values(LOOK_UP_NOW)
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
    message = f"its worker died {CLAIMS_MAX} times or more while it was in hand"
    open_letter(connection, number, campaign_id, reason=Reason.IN_DOUBT, code=None, message=message)
