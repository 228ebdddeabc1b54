"""Redrive: an operator resends or reissues the jobs of dead letters, or discards them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, select, update

from issuance.redrive.rules import Verb, refusal
from issuance.states import DeadLetterState
from ledger.audit_log import Operator, letter_target, record_actions
from ledger.dead_letters.browse import DeadLetterFilter, dead_letter_ids
from ledger.dead_letters.locking import LockedDeadLetter, lock_dead_letters
from ledger.dead_letters.reissue import reissue
from ledger.dead_letters.resend import resend
from ledger.store.clock import milliseconds, now_ms
from ledger.store.commit_log import line_fields, log_after_commit
from ledger.store.database import Ledger
from ledger.store.schema import dead_letters as letters
from ledger.store.schema import lines

_BATCH = 500


@dataclass(slots=True)
class Redriven:
    """The result of a redrive."""

    done: list[int] = field(default_factory=list)
    """Ids of the dead letters that were redriven or discarded."""
    refused: dict[int, str] = field(default_factory=dict)
    """Why the others were refused, by id."""
    reissued: dict[int, str] = field(default_factory=dict)
    """The new jobs' ids, by the ids of reissued dead letters."""


def redrive(
    ledger: Ledger,
    chosen: DeadLetterFilter,
    verb: Verb,
    operator: Operator,
    *,
    per_second: float = 0.0,
) -> Redriven:
    """Redrive the open dead letters that match.

    Each is locked and checked first, so concurrent redrives of one have the effect of one. Those
    that are named by id but not open are refused with an explanation.

    Args:
        ledger: the record.
        chosen: which dead letters.
        verb: resend (same bytes) or reissue (new generation); the reason decides which is allowed.
        operator: the operator and the reason; recorded for each.
        per_second: due times are spread so that at most this many jobs become due per second; 0:
            all now.
    """
    result = Redriven()
    keys = ledger.keys  # read before a transaction begins
    for ids in _batches(ledger, chosen):
        with ledger.write() as connection:
            rows = _sift(connection, ids, result, lambda row: refusal(row.case, verb))
            due_at = _due_times(connection, len(result.done), len(rows), per_second)
            if verb is Verb.RESEND:
                resend(connection, rows, due_at)
                _log_all(connection, rows, operator, "dead_letter_resent")
            else:
                renamed = reissue(connection, rows, due_at, keys)
                result.reissued |= {
                    letter_id: next(iter(new.values())) for letter_id, new in renamed.items()
                }
                for row in rows:
                    for old, new in renamed[row.id].items():
                        _log(
                            connection,
                            row,
                            operator,
                            "dead_letter_reissued",
                            [old],
                            reissued_as=new,
                        )
            record_actions(
                connection,
                operator,
                verb=verb.value,
                targets=_targets(rows),
                before=DeadLetterState.OPEN,
                after=DeadLetterState.REDRIVEN,
            )
            result.done += [row.id for row in rows]
    _refuse_unknown(result, chosen)
    return result


def discard(ledger: Ledger, chosen: DeadLetterFilter, operator: Operator) -> Redriven:
    """Discard the open dead letters that match; their lines keep their states.

    Those that are named by id but not open are refused with an explanation.
    """
    result = Redriven()
    for ids in _batches(ledger, chosen):
        with ledger.write() as connection:
            rows = _sift(connection, ids, result, _why_not_discarded)
            discarded = update(letters).where(letters.c.id.in_([row.id for row in rows]))
            connection.execute(
                discarded.values(state=DeadLetterState.DISCARDED, changed_at=now_ms())
            )
            _log_all(connection, rows, operator, "dead_letter_discarded")
            record_actions(
                connection,
                operator,
                verb="discard",
                targets=_targets(rows),
                before=DeadLetterState.OPEN,
                after=DeadLetterState.DISCARDED,
            )
            result.done += [row.id for row in rows]
    _refuse_unknown(result, chosen)
    return result


def _why_not_discarded(row: LockedDeadLetter) -> str | None:
    return (
        None
        if row.case.state is DeadLetterState.OPEN
        else f"it is {row.case.state}, only an open letter can be discarded"
    )


def _sift(
    connection: Connection,
    ids: list[int],
    result: Redriven,
    why_not: Callable[[LockedDeadLetter], str | None],
) -> list[LockedDeadLetter]:
    """Lock dead letters, add the refused ones to the result, and return the others."""
    rows = lock_dead_letters(connection, ids)
    refused = {row.id: why for row in rows if (why := why_not(row)) is not None}
    result.refused |= refused
    return [row for row in rows if row.id not in refused]


def _due_times(connection: Connection, before: int, count: int, per_second: float) -> list[int]:
    """Return the due times of a batch's jobs, which follow those of earlier batches."""
    now = connection.scalar(select(now_ms())) or 0
    gap_seconds = 1 / per_second if per_second else 0.0
    return [now + milliseconds(place * gap_seconds) for place in range(before, before + count)]


def _targets(rows: Sequence[LockedDeadLetter]) -> list[str]:
    return [letter_target(row.id) for row in rows]


def _refuse_unknown(result: Redriven, chosen: DeadLetterFilter) -> None:
    unknown = set(chosen.ids).difference(result.done, result.refused)
    result.refused |= dict.fromkeys(sorted(unknown), "there is no such dead letter")


def _batches(ledger: Ledger, chosen: DeadLetterFilter) -> Iterator[list[int]]:
    """Return the matching ids in batches, read once: one that is opened again is not redone."""
    if chosen.ids:
        # Those that are not open are to be refused with an explanation.
        chosen = replace(chosen, state=None)
    with ledger.read() as connection:
        ids = dead_letter_ids(connection, chosen)
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH].tolist()


def _log_all(
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
