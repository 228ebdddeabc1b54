"""Carries out mass actions on dead letters: in the command that begins one, and in each release.

A letter and its item change in one transaction, which holds the lock of the action. So two rounds
at once send nothing twice, and a round that dies has done all of a step or nothing of it.
"""

from collections.abc import Sequence

from pydantic_core import from_json, to_json
from sqlalchemy import delete, func, or_, select

from issuance.redrive.bulk import SENDING, ActionKind, ActionState, ItemState
from issuance.redrive.forecast import Results, is_better
from issuance.states import SETTLED, State
from ledger.dead_letters.actions import KINDS
from ledger.dead_letters.groups import last_results
from ledger.dead_letters.sending import BATCH, UNDER_WAY_MOST, send_next
from ledger.dead_letters.step import Counts, Step, add_results
from ledger.store.clock import now_ms
from ledger.store.commit_log import log_after_commit
from ledger.store.database import Ledger
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import bulk_actions as actions
from ledger.store.schema import bulk_groups, jobs
from ledger.store.schema import bulk_items as items
from ledger.store.schema import bulk_pages as pages
from ledger.store.schema import bulk_results as results

_STEPS_PER_ROUND = 4


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
        step = Step(connection, action_id, ActionKind(row.kind), ActionState(row.state))
        now = connection.scalar(select(now_ms())) or 0
        _follow(step)
        if step.state is ActionState.TRIAL and row.judged_at is None:
            _judge_trial(step, now)
        sent = send_next(step, row, now, keys) if step.state in SENDING else 0
        _end(step, now)
        return sent


def _follow(step: Step) -> None:
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
    counts: dict[int, Counts] = {}
    for _, group_id, state in settled:
        counted = counts.setdefault(group_id, Counts())
        if state in (None, State.ISSUED, State.REVOKED):
            counted.issued += 1
        else:
            counted.failed += 1
    add_results(step.connection, step.action_id, counts)


def _judge_trial(step: Step, now: int) -> None:
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


def _groups_of(step: Step) -> Sequence[int]:
    query = select(bulk_groups.c.group_id).where(
        bulk_groups.c.action_id == step.action_id, bulk_groups.c.verdict != "refused"
    )
    return step.connection.scalars(query.distinct()).all()


def _end(step: Step, now: int) -> None:
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


def _final_counts(step: Step) -> str:
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


def _has_pages(step: Step) -> bool:
    left = select(pages.c.page).join(actions, actions.c.id == pages.c.action_id)
    query = left.where(pages.c.action_id == step.action_id, pages.c.page >= actions.c.next_page)
    return step.connection.execute(query.limit(1)).first() is not None
