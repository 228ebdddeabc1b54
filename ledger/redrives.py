"""Redrive: an operator puts dead letters back to work, by *resend* or *reissue*, or discards them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from issuance.customer import Customer
from issuance.dead_letter import Verb, refusal
from issuance.job import Job, Lane, Line, Variant
from issuance.reissue import next_generation_id, reissue_body
from issuance.request_id import campaign_request_id
from issuance.states import State
from ledger.acceptance import insert_jobs
from ledger.actions import Operator, note_action
from ledger.book import Ledger
from ledger.campaigns import wake_campaign
from ledger.clock import milliseconds, now_ms
from ledger.dead_letters import CASE, LetterFilter, case_of, filtered
from ledger.events import name_lines, note_event
from ledger.schema import campaigns, jobs, lines
from ledger.schema import dead_letters as letters

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
        per_second: velocity: due times are spread so that no more than this become due a second; 0: at once.
    """
    result = Redriven()
    for rows in _batches(ledger, chosen):
        with ledger.write() as connection:
            request_ids = _request_ids(connection, rows)
            for row in _lock(connection, rows):
                why_not = refusal(case_of(row), verb)
                if why_not is not None:
                    result.refused[row.id] = why_not
                    continue
                delay = len(result.done) / per_second if per_second else 0.0
                if verb is Verb.RESEND:
                    _resend(connection, row, delay)
                    _tell(connection, row, operator, "resent", request_ids[row.job_number])
                else:
                    renamed = _reissue(connection, row, delay)
                    result.reissued[row.id] = next(iter(renamed.values()))
                    for old, new in renamed.items():
                        _tell(connection, row, operator, "reissued", [old], reissued_as=new)
                note_action(connection, operator, verb=verb.value, target=f"letter:{row.id}")
                result.done.append(row.id)
    _refuse_unknown(result, chosen)
    return result


def discard(ledger: Ledger, chosen: LetterFilter, operator: Operator) -> Redriven:
    """Put open letters aside for good: the line keeps its state, and nobody is asked to look any more.

    Letters named by an id that is not an open letter's are refused with an explanation.
    """
    result = Redriven()
    for rows in _batches(ledger, chosen):
        with ledger.write() as connection:
            request_ids = _request_ids(connection, rows)
            for row in _lock(connection, rows):
                if row.state != "open":
                    result.refused[row.id] = f"it is {row.state}, only an open letter can be discarded"
                    continue
                connection.execute(_letter(row.id).values(state="discarded", changed_at=now_ms()))
                note_action(connection, operator, verb="discard", target=f"letter:{row.id}")
                _tell(connection, row, operator, "discarded", request_ids[row.job_number])
                result.done.append(row.id)
    _refuse_unknown(result, chosen)
    return result


def _refuse_unknown(result: Redriven, chosen: LetterFilter) -> None:
    unknown = set(chosen.ids).difference(result.done, result.refused)
    result.refused |= dict.fromkeys(sorted(unknown), "there is no such dead letter")


def _batches(ledger: Ledger, chosen: LetterFilter) -> Iterator[list[int]]:
    """The ids of the letters meant, as they are now, in batches: a redrive that fails again is not met twice."""
    query = select(letters.c.id).join(campaigns, campaigns.c.id == letters.c.campaign_id)
    with ledger.read() as connection:
        last = connection.scalar(select(func.max(letters.c.id))) or 0
    if chosen.ids:
        # A letter named by its id deserves an explanation when it is not open.
        chosen = replace(chosen, state=None)
    after = 0
    while True:
        with ledger.read() as connection:
            batch = filtered(query, chosen).where(letters.c.id > after, letters.c.id <= last)
            ids = list(connection.scalars(batch.order_by(letters.c.id).limit(_BATCH)))
        if not ids:
            return
        yield ids
        after = ids[-1]


def _lock(connection: Connection, ids: list[int]) -> list[Row[Any]]:
    # Jobs first, like those who record outcomes: in the other order the two could wait for each other.
    of_letters = select(letters.c.job_number).where(letters.c.id.in_(ids))
    connection.execute(
        select(jobs.c.number).where(jobs.c.number.in_(of_letters)).order_by(jobs.c.number).with_for_update()
    )
    query = (
        select(letters.c.id, letters.c.job_number, letters.c.campaign_id, *CASE)
        .join(campaigns, campaigns.c.id == letters.c.campaign_id)
        .where(letters.c.id.in_(ids))
        .order_by(letters.c.id)
        .with_for_update(of=letters)
    )
    return list(connection.execute(query))


def _request_ids(connection: Connection, letter_ids: list[int]) -> dict[int, list[str]]:
    """The requestIds of the letters' jobs, by job."""
    query = select(lines.c.job_number, lines.c.request_id).join(letters, letters.c.job_number == lines.c.job_number)
    found: dict[int, list[str]] = {}
    of_letters = query.where(letters.c.id.in_(letter_ids)).order_by(lines.c.job_number, lines.c.position)
    for number, request_id in connection.execute(of_letters):
        found.setdefault(number, []).append(request_id)
    return found


def _tell(
    connection: Connection, row: Row[Any], operator: Operator, done: str, request_ids: list[str], **more: str
) -> None:
    by = {"operator": operator.name, "note": operator.note}
    note_event(connection, done, **name_lines(request_ids), **more, campaign=row.campaign, letter_id=row.id, **by)


def _resend(connection: Connection, row: Row[Any], delay_seconds: float) -> None:
    """Same bytes, same requestIds, a new retry budget. Lines that are issued stay issued.

    Where the campaign was cancelled nothing more may be issued: there it is looked up instead of being sent.
    """
    connection.execute(
        update(lines)
        .where(lines.c.job_number == row.job_number, lines.c.state != State.ISSUED)
        .values(state=State.WAITING, settled_at=None)
    )
    unsettled = select(func.count()).where(lines.c.job_number == row.job_number, lines.c.state == State.WAITING)
    connection.execute(
        update(jobs)
        .where(jobs.c.number == row.job_number)
        .values(
            state=State.WAITING,
            open_lines=unsettled.scalar_subquery(),
            due_at=now_ms() + milliseconds(delay_seconds),
            settled_at=None,
            chunk_id=None,
            claims=0,
            budget_attempts=0,
            budget_started_at=None,
            limit_deferrals=0,
            look_up=State.IN_DOUBT if row.campaign_state == "cancelled" else None,
            empty_looks=0,
            redrives=jobs.c.redrives + 1,
        )
    )
    connection.execute(_letter(row.id).values(state="redriven", changed_at=now_ms()))
    wake_campaign(connection, row.campaign_id)


def _reissue(connection: Connection, row: Row[Any], delay_seconds: float) -> dict[str, str]:
    """A new generation: new job, new requestIds, only the lines that failed; the old job stays as it ended.

    Returns the lines' new requestIds by their old ones; the first is the new job's id.
    """
    old = connection.execute(select(jobs).where(jobs.c.number == row.job_number)).one()
    query = select(lines).where(lines.c.job_number == row.job_number).order_by(lines.c.position)
    of_job = list(connection.execute(query))
    renamed = {line.request_id: _successor(row.campaign, old, line) for line in of_job if line.state == State.FAILED}
    body, new_lines = reissue_body(
        Variant(old.variant),
        old.body,
        [Line(line.request_id, line.reward_id, line.requested_quantity) for line in of_job],
        renamed,
    )
    job = Job(
        customer=Customer.parse(old.customer),
        lines=new_lines,
        variant=Variant(old.variant),
        body=body,
        lane=Lane(old.lane),
        occurrence=old.occurrence,
        generation=old.generation + 1,
        source_line=old.source_line,
    )
    insert_jobs(connection, row.campaign_id, [job], intake_id=old.intake_id, reissue_of=old.id)
    if delay_seconds:
        [number] = connection.scalars(select(lines.c.job_number).where(lines.c.request_id == job.id))
        due_at = now_ms() + milliseconds(delay_seconds)
        connection.execute(update(jobs).where(jobs.c.number == number).values(due_at=due_at))
    connection.execute(_letter(row.id).values(state="redriven", reissued_as=job.id, changed_at=now_ms()))
    return renamed


def _successor(campaign: str, old: Row[Any], line: Row[Any]) -> str:
    """The requestId of the next generation, derived as the campaign's was, or from a key's or fresh one itself."""
    derive = partial(
        campaign_request_id, campaign, Customer.parse(old.customer), line.reward_id, occurrence=old.occurrence
    )
    if derive(generation=old.generation) == line.request_id:
        return derive(generation=old.generation + 1)
    return next_generation_id(line.request_id)


def _letter(letter_id: int) -> Any:
    return update(letters).where(letters.c.id == letter_id)
