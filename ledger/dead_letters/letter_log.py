"""Log entries of dead letters that an operator redrives or discards."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from ledger.audit_log import Operator
from ledger.dead_letters.locking import LockedDeadLetter
from ledger.store.commit_log import line_fields, log_after_commit
from ledger.store.schema import lines


def log_resent(
    connection: Connection, rows: Sequence[LockedDeadLetter], operator: Operator
) -> None:
    """Log a resend, an entry for each letter."""
    _log_each(connection, rows, operator, "dead_letter_resent")


def log_discarded(
    connection: Connection, rows: Sequence[LockedDeadLetter], operator: Operator
) -> None:
    """Log a discarding, an entry for each letter."""
    _log_each(connection, rows, operator, "dead_letter_discarded")


def _log_each(
    connection: Connection, rows: Sequence[LockedDeadLetter], operator: Operator, event: str
) -> None:
    request_ids: dict[int, list[str]] = {row.job_number: [] for row in rows}
    query = select(lines.c.job_number, lines.c.request_id).where(
        lines.c.job_number.in_(request_ids)
    )
    for number, request_id in connection.execute(
        query.order_by(lines.c.job_number, lines.c.position)
    ):
        request_ids[number].append(request_id)
    for row in rows:
        _log(connection, row, operator, event, request_ids[row.job_number])


def log_reissued(
    connection: Connection,
    rows: Sequence[LockedDeadLetter],
    operator: Operator,
    renamed: Mapping[int, Mapping[str, str]],
) -> None:
    """Log a reissue, an entry for each line; `renamed`: new requestIds by the old, by letter."""
    for row in rows:
        for old, new in renamed[row.id].items():
            _log(connection, row, operator, "dead_letter_reissued", [old], reissued_as=new)


def _log(
    connection: Connection,
    row: LockedDeadLetter,
    operator: Operator,
    event: str,
    request_ids: list[str],
    **more: str,
) -> None:
    by = {"operator": operator.name, "note": operator.note}
    log_after_commit(
        connection,
        event,
        **line_fields(request_ids),
        **more,
        campaign=row.case.campaign,
        letter_id=row.id,
        **by,
    )
