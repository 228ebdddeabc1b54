"""Sends the next letters of a mass action, as fast as its pace and its campaigns allow."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, insert, or_, select, update

from issuance.redrive.bulk import VERB_OF, ActionKind, ActionState, ItemState
from issuance.redrive.rules import refusal
from issuance.states import CampaignState, DeadLetterState
from ledger.audit_log import letter_target, record_actions
from ledger.dead_letters.actions import new_items, operator_of
from ledger.dead_letters.earlier import earlier_states
from ledger.dead_letters.groups import NO_GROUP
from ledger.dead_letters.letter_log import log_discarded, log_reissued, log_resent
from ledger.dead_letters.locking import LockedDeadLetter, lock_dead_letters
from ledger.dead_letters.plans import pages_of, why_not_discarded
from ledger.dead_letters.reissue import reissue
from ledger.dead_letters.resend import resend
from ledger.dead_letters.step import Counts, Step, add_results
from ledger.store.clock import now_ms
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import bulk_items as items
from ledger.store.schema import bulk_results as results
from ledger.store.schema import campaigns, jobs, lines
from ledger.store.schema import dead_letters as letters
from ledger.store.secret import Keys

BATCH = 500
"""Letters of one transaction."""
UNDER_WAY_MOST = 10_000
"""Letters of one action that are sent and not settled: more are not worked on faster, and each
round looks at all of them."""
_AHEAD_MS = 1_000
"""A paced action is sent this far ahead: the time between two rounds."""
_PAGES_PER_STEP = 4
NOT_HALTED = (
    CampaignState.RUNNING,
    CampaignState.FINISHED,
    CampaignState.CANCELLED,
    CampaignState.CLOSED,
)
"""The states of campaigns whose letters have their turn; the rules decide about each. In all other
states they wait."""


def send_next(step: Step, row: Any, now: int, keys: Keys) -> int:
    """Send as many letters as the action's pace allows now; return how many were chosen.

    Args:
        step: the transaction.
        row: the action, locked.
        now: by the ledger's clock.
        keys: they derive requestIds of reissues.
    """
    gap = 1_000 / row.per_second if row.per_second else 0.0
    first = max(row.next_at or now, now)
    most = min(BATCH, UNDER_WAY_MOST - step.count(ItemState.SENT))
    if gap:
        most = min(most, math.ceil((now + _AHEAD_MS - first) / gap))
    if most <= 0:
        return 0
    chosen = _choose(step, row, most)
    due_at = [first + math.ceil(place * gap) for place in range(len(chosen))]
    sent = _send(step, chosen, row.created_at, due_at, keys)
    if gap and sent:
        step.change(next_at=first + math.ceil(sent * gap))
    return len(chosen)


def _choose(step: Step, row: Any, most: int) -> list[int]:
    """Choose pending letters whose campaigns may be called; the others wait."""
    chosen = _pending(step, most)
    page = row.next_page
    while len(chosen) < most and step.state is ActionState.RUNNING:
        if page >= row.next_page + _PAGES_PER_STEP or not _add_page(step, page):
            break
        page += 1
        chosen = _pending(step, most)
    if page != row.next_page:
        step.change(next_page=page)
    return chosen


def _pending(step: Step, most: int) -> list[int]:
    query = (
        select(items.c.target)
        .join(letters, letters.c.id == items.c.target, isouter=True)
        .join(campaigns, campaigns.c.id == letters.c.campaign_id, isouter=True)
        .where(step.of_items(items.c.state == ItemState.PENDING))
        .order_by(items.c.position)
        .limit(most)
    )
    if step.kind is not ActionKind.DISCARD:
        query = query.where(or_(campaigns.c.state.in_(NOT_HALTED), campaigns.c.id.is_(None)))
    return list(step.connection.scalars(query))


def _add_page(step: Step, page: int) -> bool:
    """Make items of the next page of letters; False if there is none."""
    found = next(pages_of(step.connection, step.action_id, first=page), None)
    if found is None:
        return False
    known = set(
        step.connection.scalars(
            select(items.c.position).where(
                step.of_items(items.c.position.between(found[0], found[-1]))
            )
        )
    )
    held = set(
        step.connection.scalars(
            select(results.c.group_id).where(
                results.c.action_id == step.action_id, results.c.is_held
            )
        )
    )
    rows = [
        item | {"state": ItemState.HELD if item["group_id"] in held else ItemState.PENDING}
        for item in new_items(step.connection, step.action_id, found)
        if item["position"] not in known
    ]
    if rows:
        step.connection.execute(insert(items), rows)
    return True


def _send(step: Step, ids: list[int], planned_at: int, due_at: Sequence[int], keys: Keys) -> int:
    """Send these letters, and record what the rules refuse now; return how many were sent."""
    locked = lock_dead_letters(step.connection, ids)
    refused = dict.fromkeys(ids, "it was removed after the plan")
    rows = []
    for letter in locked:
        why_not = _why_not(letter, step.kind, planned_at)
        if why_not is None:
            rows.append(letter)
            del refused[letter.id]
        else:
            refused[letter.id] = why_not
    dialect_of(step.connection).execute_rows(
        step.connection,
        "UPDATE bulk_items SET state = 'refused', result = ? WHERE action_id = ? AND position = ?",
        [(why, step.action_id, letter_id) for letter_id, why in refused.items()],
    )
    if rows:
        _act(step, rows, due_at[: len(rows)], keys)
    return len(rows)


def _why_not(letter: LockedDeadLetter, kind: ActionKind, planned_at: int) -> str | None:
    case = letter.case
    if case.state is not DeadLetterState.OPEN:
        if kind is ActionKind.DISCARD:
            return why_not_discarded(case.state)
        return refusal(case, VERB_OF[kind])
    if letter.changed_at > planned_at:
        return "it was opened again after the plan was made"
    return None if kind is ActionKind.DISCARD else refusal(case, VERB_OF[kind])


def _act(step: Step, rows: Sequence[LockedDeadLetter], due_at: Sequence[int], keys: Keys) -> None:
    connection = step.connection
    operator = operator_of(connection, step.action_id)
    successors: dict[int, str] = {}
    earlier = earlier_states(connection, rows) if step.kind is ActionKind.RESEND else {}
    match step.kind:
        case ActionKind.RESEND:
            resend(connection, rows, due_at)
            log_resent(connection, rows, operator)
        case ActionKind.REISSUE:
            renamed = reissue(connection, rows, due_at, keys)
            log_reissued(connection, rows, operator, renamed)
            successors = {number: next(iter(new.values())) for number, new in renamed.items()}
        case _:
            connection.execute(
                update(letters)
                .where(letters.c.id.in_([row.id for row in rows]))
                .values(state=DeadLetterState.DISCARDED, changed_at=now_ms())
            )
            log_discarded(connection, rows, operator)
    _mark_sent(step, rows, earlier, successors)
    after = (
        DeadLetterState.DISCARDED if step.kind is ActionKind.DISCARD else DeadLetterState.REDRIVEN
    )
    record_actions(
        connection,
        operator,
        verb=step.kind.value,
        targets=[letter_target(row.id) for row in rows],
        before=DeadLetterState.OPEN,
        after=after,
    )


def _mark_sent(
    step: Step,
    rows: Sequence[LockedDeadLetter],
    earlier: Mapping[int, str],
    successors: Mapping[int, str],
) -> None:
    connection = step.connection
    targets = step.of_items(items.c.position.in_([row.id for row in rows]))
    job_number = letters.c.job_number
    if successors:
        # The new job has the old one's place in its campaign, and its first line has the new id.
        job_number = _successor_number()
    values: dict[str, Any] = {
        "state": ItemState.SENT,
        "expected": select(letters.c.changed_at).where(_IS_TARGET).scalar_subquery(),
        "job_number": select(job_number).where(_IS_TARGET).scalar_subquery(),
    }
    if step.kind is ActionKind.DISCARD:
        values |= {"state": ItemState.DONE, "result": DeadLetterState.DISCARDED}
    connection.execute(update(items).where(targets).values(values))
    if step.kind is not ActionKind.DISCARD:
        calls = select(jobs.c.attempts).where(jobs.c.number == items.c.job_number)
        connection.execute(update(items).where(targets).values(calls=calls.scalar_subquery()))
    dialect_of(connection).execute_rows(
        connection,
        "UPDATE bulk_items SET earlier = ?, successor = ? WHERE action_id = ? AND position = ?",
        [(earlier.get(row.id), successors.get(row.id), step.action_id, row.id) for row in rows],
    )
    counts: dict[int, Counts] = {}
    query = select(items.c.group_id, func.count()).where(targets).group_by(items.c.group_id)
    for group_id, count in connection.execute(query):
        counts[group_id if group_id is not None else NO_GROUP] = Counts(sent=count)
    add_results(connection, step.action_id, counts)


_IS_TARGET = letters.c.id == items.c.target


def _successor_number() -> Any:
    return (
        select(lines.c.job_number)
        .where(lines.c.request_id == letters.c.reissued_as)
        .scalar_subquery()
    )
