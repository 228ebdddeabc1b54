"""Writing dead letters: one a job, opened, redriven, closed or discarded, never deleted."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.sql.dml import ReturningInsert

from issuance.outcome import Reason
from issuance.states import DeadLetterState
from ledger.store.clock import now_ms
from ledger.store.commit_log import name_lines, note_event
from ledger.store.dialects.dialect import Dialect, dialect_of
from ledger.store.schema import dead_letters, jobs, lines


def open_letter(
    connection: Connection,
    job_number: int,
    campaign_id: int,
    *,
    reason: Reason,
    code: int | None,
    message: str,
    request_ids: Sequence[str] = (),
) -> None:
    """Open the job's dead letter, or open it again after a redrive that failed.

    `request_ids` are its lines', for the log; they are read where the caller does not have them.
    """
    values = {
        "the_job": job_number,
        "of": campaign_id,
        "why": reason,
        "said": code,
        "text": message,
    }
    opened = connection.execute(_open_statement(dialect_of(connection)), values).one()
    ids = name_lines(request_ids or _request_ids(connection, job_number))
    told = {
        "letter_id": opened.id,
        "opening": opened.openings,
        "reason": reason.value,
        "code": code,
    }
    note_event(connection, "dead letter opened", **ids, **told, message=message)


@cache
def _open_statement(dialect: Dialect) -> ReturningInsert[tuple[int, int]]:
    now = now_ms()
    fresh: dict[str, Any] = {
        "state": DeadLetterState.OPEN,
        "reason": bindparam("why"),
        "code": bindparam("said"),
        "message": bindparam("text"),
    }
    fresh |= {"opened_at": now, "changed_at": now, "noticed_at": None}
    first = {"job_number": bindparam("the_job"), "campaign_id": bindparam("of"), "openings": 1}
    again = fresh | {"openings": dead_letters.c.openings + 1}
    statement = dialect.upsert(dead_letters, first | fresh, keys=["job_number"], changes=again)
    return statement.returning(dead_letters.c.id, dead_letters.c.openings)


def close_letter(connection: Connection, job_number: int, *, reissue_of: str | None = None) -> None:
    """Close the job's letter, if it has one, and those of the jobs whose place it takes: they came out right after all.

    A letter that was opened again after its reissue stays open: word of units came late, and
        somebody must look.
    """
    _close(connection, job_number, (DeadLetterState.OPEN, DeadLetterState.REDRIVEN))
    while reissue_of is not None:
        query = select(jobs.c.number, jobs.c.reissue_of).join(
            lines, lines.c.job_number == jobs.c.number
        )
        earlier = connection.execute(query.where(lines.c.request_id == reissue_of)).one()
        _close(connection, earlier.number, (DeadLetterState.REDRIVEN,))
        reissue_of = earlier.reissue_of


def _close(connection: Connection, job_number: int, states: Sequence[DeadLetterState]) -> None:
    closed = connection.scalar(
        update(dead_letters)
        .where(dead_letters.c.job_number == job_number, dead_letters.c.state.in_(states))
        .values(state=DeadLetterState.CLOSED, changed_at=now_ms())
        .returning(dead_letters.c.id)
    )
    if closed is not None:
        ids = name_lines(_request_ids(connection, job_number))
        note_event(connection, "dead letter closed", **ids, letter_id=closed)


def _request_ids(connection: Connection, job_number: int) -> Sequence[str]:
    query = (
        select(lines.c.request_id)
        .where(lines.c.job_number == job_number)
        .order_by(lines.c.position)
    )
    return connection.scalars(query).all()
