"""Redrive: an operator puts dead letters back to work, by *resend* or *reissue*, or discards them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, select, update

from issuance.redrive.rules import Verb, refusal
from issuance.states import DeadLetterState
from ledger.audit_log import Operator, note_actions
from ledger.dead_letters.browse import LetterFilter, letter_ids
from ledger.dead_letters.locking import LockedLetter, lock_letters
from ledger.dead_letters.reissue import reissue
from ledger.dead_letters.resend import resend
from ledger.store.clock import milliseconds, now_ms
from ledger.store.commit_log import name_lines, note_event
from ledger.store.database import Ledger
from ledger.store.schema import dead_letters as letters
from ledger.store.schema import lines

_BATCH = 500


@dataclass(slots=True)
class Redriven:
    """What came of a redrive."""

    done: list[int] = field(default_factory=list)
    """Ids of the letters that were put back to work."""
    refused: dict[int, str] = field(default_factory=dict)
    """Ids of the letters that were not, with the explanation."""
    reissued: dict[int, str] = field(default_factory=dict)
    """Of reissued letters: the new job's id."""


def redrive(
    ledger: Ledger, chosen: LetterFilter, verb: Verb, operator: Operator, *, per_second: float = 0.0
) -> Redriven:
    """Put the open letters that fit back to work.

    A letter is redriven once however many operators ask at once: its state changes from open by
    compare-and-set. Letters named by id that are not open are refused with an explanation.

    Args:
        ledger: the record.
        chosen: which letters.
        verb: resend (same bytes) or reissue (new generation); the reason decides which is allowed.
        operator: who, and why; written down for each letter.
        per_second: velocity: due times are spread so that no more than this become due a second; 0:
            at once.
    """
    result = Redriven()
    for ids in _batches(ledger, chosen):
        with ledger.write() as connection:
            rows = _sift(connection, ids, result, lambda row: refusal(row.case, verb))
            due_at = _due_times(connection, len(result.done), len(rows), per_second)
            if verb is Verb.RESEND:
                resend(connection, rows, due_at)
                _tell_all(connection, rows, operator, "resent")
            else:
                renamed = reissue(connection, rows, due_at)
                result.reissued |= {
                    letter_id: next(iter(new.values())) for letter_id, new in renamed.items()
                }
                for row in rows:
                    for old, new in renamed[row.id].items():
                        _tell(connection, row, operator, "reissued", [old], reissued_as=new)
            _finish(connection, rows, result, operator, verb.value)
    _refuse_unknown(result, chosen)
    return result


def discard(ledger: Ledger, chosen: LetterFilter, operator: Operator) -> Redriven:
    """Put open letters aside for good: the line keeps its state, and nobody is asked to look any more.

    Letters named by an id that is not an open letter's are refused with an explanation.
    """
    result = Redriven()
    for ids in _batches(ledger, chosen):
        with ledger.write() as connection:
            rows = _sift(connection, ids, result, _why_not_discarded)
            put_aside = update(letters).where(letters.c.id.in_([row.id for row in rows]))
            connection.execute(
                put_aside.values(state=DeadLetterState.DISCARDED, changed_at=now_ms())
            )
            _tell_all(connection, rows, operator, "discarded")
            _finish(connection, rows, result, operator, "discard")
    _refuse_unknown(result, chosen)
    return result


def _why_not_discarded(row: LockedLetter) -> str | None:
    return (
        None
        if row.case.state is DeadLetterState.OPEN
        else f"it is {row.case.state}, only an open letter can be discarded"
    )


def _sift(
    connection: Connection,
    ids: list[int],
    result: Redriven,
    why_not: Callable[[LockedLetter], str | None],
) -> list[LockedLetter]:
    """Lock letters and note those that are refused; returns the others."""
    rows = lock_letters(connection, ids)
    refused = {row.id: why for row in rows if (why := why_not(row)) is not None}
    result.refused |= refused
    return [row for row in rows if row.id not in refused]


def _due_times(connection: Connection, before: int, count: int, per_second: float) -> list[int]:
    """When each of so many jobs is due, after those of earlier batches."""
    now = connection.scalar(select(now_ms())) or 0
    gap_seconds = 1 / per_second if per_second else 0.0
    return [now + milliseconds(place * gap_seconds) for place in range(before, before + count)]


def _finish(
    connection: Connection,
    rows: Sequence[LockedLetter],
    result: Redriven,
    operator: Operator,
    verb: str,
) -> None:
    note_actions(connection, operator, verb=verb, targets=[f"letter:{row.id}" for row in rows])
    result.done += [row.id for row in rows]


def _refuse_unknown(result: Redriven, chosen: LetterFilter) -> None:
    unknown = set(chosen.ids).difference(result.done, result.refused)
    result.refused |= dict.fromkeys(sorted(unknown), "there is no such dead letter")


def _batches(ledger: Ledger, chosen: LetterFilter) -> Iterator[list[int]]:
    """The ids of the letters meant, as they are now, in batches: a redrive that fails again is not met twice."""
    if chosen.ids:
        # A letter named by its id deserves an explanation when it is not open.
        chosen = replace(chosen, state=None)
    with ledger.read() as connection:
        ids = letter_ids(connection, chosen)
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH].tolist()


def _tell_all(
    connection: Connection, rows: Sequence[LockedLetter], operator: Operator, done: str
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
        _tell(connection, row, operator, done, request_ids[row.job_number])


def _tell(
    connection: Connection,
    row: LockedLetter,
    operator: Operator,
    done: str,
    request_ids: list[str],
    **more: str,
) -> None:
    by = {"operator": operator.name, "note": operator.note}
    note_event(
        connection,
        done,
        **name_lines(request_ids),
        **more,
        campaign=row.case.campaign,
        letter_id=row.id,
        **by,
    )
