"""Opens and closes dead letters. A job has at most one, which only pruning deletes."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.sql.dml import ReturningInsert

from issuance.masking import scrub
from issuance.outcome import Reason
from issuance.states import DeadLetterState
from ledger.dead_letters.group_ids import group_of
from ledger.store.clock import now_ms
from ledger.store.commit_log import line_fields, log_after_commit
from ledger.store.dialects.dialect import Dialect, dialect_of
from ledger.store.schema import dead_letters, jobs, lines


def open_dead_letter(
    connection: Connection,
    job_number: int,
    campaign_id: int,
    *,
    reason: Reason,
    code: int | None,
    message: str,
    request_ids: Sequence[str] = (),
    known: Sequence[str] = (),
) -> None:
    """Open the job's dead letter, or open it again after a redrive that failed.

    `request_ids` are those of its lines, for the log; they are read if the caller does not pass
    them. `known` is what the job holds, which the log does not show.
    """
    values = {
        "job_number": job_number,
        "campaign_id": campaign_id,
        "reason": reason,
        "code": code,
        "message": message,
        "group_id": group_of(connection, reason, code, message, known),
    }
    opened = connection.execute(_open_statement(dialect_of(connection)), values).one()
    ids = line_fields(request_ids or _request_ids(connection, job_number))
    fields = {
        "letter_id": opened.id,
        "opening": opened.openings,
        "reason": reason.value,
        "code": code,
    }
    log_after_commit(
        connection, "dead_letter_opened", **ids, **fields, message=scrub(message, known)
    )


@cache
def _open_statement(dialect: Dialect) -> ReturningInsert[tuple[int, int]]:
    now = now_ms()
    fresh: dict[str, Any] = {
        "state": DeadLetterState.OPEN,
        "reason": bindparam("reason"),
        "code": bindparam("code"),
        "message": bindparam("message"),
        "group_id": bindparam("group_id"),
    }
    fresh |= {"opened_at": now, "changed_at": now, "published_at": None}
    first = {
        "job_number": bindparam("job_number"),
        "campaign_id": bindparam("campaign_id"),
        "openings": 1,
    }
    again = fresh | {"openings": dead_letters.c.openings + 1}
    statement = dialect.upsert(dead_letters, first | fresh, keys=["job_number"], changes=again)
    return statement.returning(dead_letters.c.id, dead_letters.c.openings)


def close_dead_letter(
    connection: Connection, job_number: int, *, reissue_of: str | None = None
) -> None:
    """Close the job's dead letter, if any, and those of the jobs that it replaces.

    A replaced job's dead letter that was opened again stays open: a late reply showed units, and an
    operator must compare both jobs.
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
        ids = line_fields(_request_ids(connection, job_number))
        log_after_commit(connection, "dead_letter_closed", **ids, letter_id=closed)


def _request_ids(connection: Connection, job_number: int) -> Sequence[str]:
    query = (
        select(lines.c.request_id)
        .where(lines.c.job_number == job_number)
        .order_by(lines.c.position)
    )
    return connection.scalars(query).all()
