"""What a resend changes of jobs and lines, kept so that it can be undone."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from pydantic_core import from_json, to_json
from sqlalchemy import Connection, select, update

from ledger.dead_letters.locking import LockedDeadLetter
from ledger.dead_letters.resend import KEPT
from ledger.store.schema import jobs, lines


def earlier_states(connection: Connection, rows: Sequence[LockedDeadLetter]) -> dict[int, str]:
    """Return the states and times of settled jobs and their lines as JSON, by dead letter."""
    numbers = [row.job_number for row in rows]
    of_jobs = {
        number: [state, settled_at]
        for number, state, settled_at in connection.execute(
            select(jobs.c.number, jobs.c.state, jobs.c.settled_at).where(jobs.c.number.in_(numbers))
        )
    }
    of_lines = {
        number: [line[1:] for line in group] for number, group in _lines(connection, numbers)
    }
    return {
        row.id: to_json([*of_jobs[row.job_number], of_lines.get(row.job_number, [])]).decode()
        for row in rows
    }


def _lines(
    connection: Connection, numbers: Sequence[int]
) -> Iterator[tuple[int, Iterator[tuple[int, int, str, int | None]]]]:
    query = (
        select(lines.c.job_number, lines.c.position, lines.c.state, lines.c.settled_at)
        .where(lines.c.job_number.in_(numbers), lines.c.state.not_in(KEPT))
        .order_by(lines.c.job_number, lines.c.position)
    )
    return groupby(map(tuple, connection.execute(query)), key=itemgetter(0))


def restore_states(connection: Connection, earlier: dict[int, str]) -> None:
    """Settle jobs that were resent and never claimed as they were before; by the job's number."""
    for number, text in sorted(earlier.items()):
        state, settled_at, of_lines = from_json(text)
        for position, line_state, line_settled_at in of_lines:
            connection.execute(
                update(lines)
                .where(lines.c.job_number == number, lines.c.position == position)
                .values(state=line_state, settled_at=line_settled_at)
            )
        connection.execute(
            update(jobs)
            .where(jobs.c.number == number)
            .values(
                state=state,
                settled_at=settled_at,
                open_lines=0,
                lease_until=None,
                fallback=None,
                redrives=jobs.c.redrives - 1,
            )
        )
