"""Carries out mass actions on dead letters: in the command that begins one, and in each release.

A letter and its item change in one transaction, which holds the lock of the action. So two rounds
at once send nothing twice, and a round that dies has done all of a step or nothing of it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, update

from issuance.redrive.bulk import SENDING, VERB_OF, ActionKind, ActionState, ItemState
from issuance.redrive.forecast import Results, is_better
from issuance.redrive.rules import refusal
from issuance.states import SETTLED, CampaignState, DeadLetterState, State
from ledger.audit_log import letter_target, record_actions
from ledger.dead_letters.actions import KINDS, new_items, operator_of
from ledger.dead_letters.earlier import earlier_states
from ledger.dead_letters.groups import NO_GROUP, last_results
from ledger.dead_letters.letter_log import log_discarded, log_reissued, log_resent
from ledger.dead_letters.locking import LockedDeadLetter, lock_dead_letters
from ledger.dead_letters.plans import pages_of, why_not_discarded
from ledger.dead_letters.reissue import reissue
from ledger.dead_letters.resend import resend
from ledger.store.clock import now_ms
from ledger.store.commit_log import log_after_commit
from ledger.store.database import Ledger
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import bulk_actions as actions
from ledger.store.schema import bulk_groups, campaigns, jobs, lines
from ledger.store.schema import bulk_items as items
from ledger.store.schema import bulk_pages as pages
from ledger.store.schema import bulk_results as results
from ledger.store.schema import dead_letters as letters
from ledger.store.secret import Keys

BATCH = 500
"""Letters of one transaction."""
UNDER_WAY_MOST = 10_000
"""Letters of one action that are sent and not settled: more are not worked on faster, and each
round looks at all of them."""
_AHEAD_MS = 1_000
"""A paced action is sent this far ahead: the time between two rounds."""
_STEPS_PER_ROUND = 4
_PAGES_PER_STEP = 4
NOT_HALTED = (
    CampaignState.RUNNING,
    CampaignState.FINISHED,
    CampaignState.CANCELLED,
    CampaignState.CLOSED,
)
"""The states of campaigns whose letters have their turn; the rules decide about each. In all other
states they wait."""


def advance_actions(ledger: Ledger) -> int:
    """Do one round's work for each action that needs it; return how many letters changed.

    Any number of processes may call it at the same time.
    """
    with ledger.read() as connection:
        query = select(actions.c.id).where(actions.c.is_live, actions.c.kind.in_(KINDS))
        ids = connection.scalars(query.order_by(actions.c.id)).all()
    return sum(_advance_some(ledger, action_id) for action_id in ids)


def _advance_some(ledger: Ledger, action_id: int) -> int:
    moved = 0
    for _ in range(_STEPS_PER_ROUND):
        step = advance(ledger, action_id)
        moved += step
        if step < BATCH:
            break
    return moved


def carry_out(ledger: Ledger, action_id: int) -> int:
    """Do all that can be done at once, for a command; return how many letters changed.

    The rounds of the release do the rest: what has a pace, and what is too much at a time.
    """
    moved = step = advance(ledger, action_id)
    with ledger.read() as connection:
        is_paced = connection.scalar(select(actions.c.per_second).where(actions.c.id == action_id))
    while step and not is_paced:
        step = advance(ledger, action_id)
        moved += step
    return moved


def advance(ledger: Ledger, action_id: int) -> int:
    """Record results of an action, and send its next letters; return how many it sent."""
    keys = ledger.keys  # read before a transaction begins
    with ledger.write() as connection:
        query = select(actions).where(actions.c.id == action_id, actions.c.is_live)
        row = connection.execute(query.with_for_update(skip_locked=True)).one_or_none()
        if row is None:
            return 0
        step = _Step(connection, action_id, ActionKind(row.kind), ActionState(row.state))
        now = connection.scalar(select(now_ms())) or 0
        _follow(step)
        if step.state is ActionState.TRIAL and row.judged_at is None:
            _judge_trial(step, now)
        sent = _send_next(step, row, now, keys) if step.state in SENDING else 0
        _end(step, now)
        return sent


@dataclass(slots=True)
class _Step:
    """One transaction for one action."""

    connection: Connection
    action_id: int
    kind: ActionKind
    state: ActionState

    def of_items(self, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        return and_(items.c.action_id == self.action_id, *conditions)

    def count(self, *states: ItemState) -> int:
        query = select(func.count()).where(self.of_items(items.c.state.in_(states)))
        return self.connection.scalar(query) or 0

    def change(self, **values: Any) -> None:
        self.connection.execute(
            update(actions).where(actions.c.id == self.action_id).values(**values)
        )


def _follow(step: _Step) -> None:
    """Record the result of each letter whose job is settled again."""
    query = (
        select(items.c.position, items.c.group_id, jobs.c.state)
        .outerjoin(jobs, jobs.c.number == items.c.job_number)
        .where(
            step.of_items(items.c.state == ItemState.SENT),
            or_(jobs.c.number.is_(None), jobs.c.state.in_(SETTLED)),
        )
        .limit(UNDER_WAY_MOST)
    )
    settled = step.connection.execute(query).all()
    # A job that is pruned already was issued: only then its letter is closed.
    rows = [(state or State.ISSUED.value, step.action_id, place) for place, _, state in settled]
    dialect_of(step.connection).execute_rows(
        step.connection,
        "UPDATE bulk_items SET state = 'done', result = ? WHERE action_id = ? AND position = ?",
        rows,
    )
    counts: dict[int, _Counts] = {}
    for _, group_id, state in settled:
        counted = counts.setdefault(group_id, _Counts())
        if state in (None, State.ISSUED, State.REVOKED):
            counted.issued += 1
        else:
            counted.failed += 1
    add_results(step.connection, step.action_id, counts)


@dataclass(slots=True)
class _Counts:
    sent: int = 0
    issued: int = 0
    failed: int = 0


def add_results(connection: Connection, action_id: int, counts: Mapping[int, _Counts]) -> None:
    """Add to the counts of an action's groups."""
    dialect = dialect_of(connection)
    for group_id, added in sorted(counts.items()):
        numbers = {"sent": added.sent, "issued": added.issued, "failed": added.failed}
        values = {"action_id": action_id, "group_id": group_id, "is_held": False} | numbers
        changes = {name: results.c[name] + number for name, number in numbers.items()}
        keys = ["action_id", "group_id"]
        connection.execute(dialect.upsert(results, values, keys=keys, changes=changes))


def _judge_trial(step: _Step, now: int) -> None:
    """When the trial is settled: hold the groups that it does not speak for."""
    if step.count(ItemState.PENDING, ItemState.SENT):
        return
    query = select(results).where(results.c.action_id == step.action_id)
    tried = {row.group_id: row for row in step.connection.execute(query)}
    past = last_results(step.connection, tried, before=step.action_id)
    good = [
        group_id
        for group_id, row in tried.items()
        if is_better(Results(step.action_id, row.issued, row.failed), past.get(group_id))
    ]
    for group_id in _groups_of(step):
        if group_id not in good:
            values = {"action_id": step.action_id, "group_id": group_id}
            zeros = dict.fromkeys(("sent", "issued", "failed"), 0)
            statement = dialect_of(step.connection).upsert(
                results,
                values | zeros | {"is_held": True},
                keys=list(values),
                changes={"is_held": True},
            )
            step.connection.execute(statement)
    step.state = ActionState.RUNNING if good else ActionState.ASKING
    step.change(state=step.state, judged_at=now, next_at=now, changed_at=now)
    log_after_commit(
        step.connection,
        "redrive_trial_judged",
        redrive=step.action_id,
        state=step.state.value,
        groups=len(tried),
        better=len(good),
    )


def _groups_of(step: _Step) -> Sequence[int]:
    query = select(bulk_groups.c.group_id).where(
        bulk_groups.c.action_id == step.action_id, bulk_groups.c.verdict != "refused"
    )
    return step.connection.scalars(query.distinct()).all()


def _send_next(step: _Step, row: Any, now: int, keys: Keys) -> int:
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


def _choose(step: _Step, row: Any, most: int) -> list[int]:
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


def _pending(step: _Step, most: int) -> list[int]:
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


def _add_page(step: _Step, page: int) -> bool:
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


def _send(step: _Step, ids: list[int], planned_at: int, due_at: Sequence[int], keys: Keys) -> int:
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


def _act(step: _Step, rows: Sequence[LockedDeadLetter], due_at: Sequence[int], keys: Keys) -> None:
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
    step: _Step,
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
    counts: dict[int, _Counts] = {}
    query = select(items.c.group_id, func.count()).where(targets).group_by(items.c.group_id)
    for group_id, count in connection.execute(query):
        counts[group_id if group_id is not None else NO_GROUP] = _Counts(sent=count)
    add_results(connection, step.action_id, counts)


_IS_TARGET = letters.c.id == items.c.target


def _successor_number() -> Any:
    return (
        select(lines.c.job_number)
        .where(lines.c.request_id == letters.c.reissued_as)
        .scalar_subquery()
    )


def _end(step: _Step, now: int) -> None:
    """End what has nothing left to do: the action, its trial or its results."""
    pending, sent = step.count(ItemState.PENDING), step.count(ItemState.SENT)
    if step.state is ActionState.RUNNING and not pending and not _has_pages(step):
        if step.count(ItemState.HELD):
            step.state = ActionState.ASKING
            step.change(state=step.state, changed_at=now)
        elif not sent:
            step.state = ActionState.FINISHED
            step.change(state=step.state, changed_at=now, finished_at=now)
            log_after_commit(step.connection, "redrive_finished", redrive=step.action_id)
    if not sent and step.state not in SENDING:
        step.change(is_live=False, counts=_final_counts(step))
        if step.state is not ActionState.ASKING and step.state is not ActionState.PAUSED:
            connection = step.connection
            connection.execute(delete(pages).where(pages.c.action_id == step.action_id))


def _final_counts(step: _Step) -> str:
    """Return the plan's counts as JSON, with what was issued of it."""
    planned = step.connection.scalar(select(actions.c.counts).where(actions.c.id == step.action_id))
    issued, failed = step.connection.execute(
        select(func.sum(results.c.issued), func.sum(results.c.failed)).where(
            results.c.action_id == step.action_id
        )
    ).one()
    counts = from_json(planned or "{}")
    if step.kind is not ActionKind.DISCARD:
        counts |= {"issued": int(issued or 0), "failed": int(failed or 0)}
    return to_json(counts).decode()


def _has_pages(step: _Step) -> bool:
    left = select(pages.c.page).join(actions, actions.c.id == pages.c.action_id)
    query = left.where(pages.c.action_id == step.action_id, pages.c.page >= actions.c.next_page)
    return step.connection.execute(query.limit(1)).first() is not None
