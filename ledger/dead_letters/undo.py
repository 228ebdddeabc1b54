"""Undoes mass actions on dead letters, as far as nothing was sent: letters are open again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, select, update

from issuance.redrive.bulk import ActionKind, ActionState, ItemState
from issuance.states import CampaignState, DeadLetterState, State
from ledger.audit_log import Operator, letter_target, record_action, record_actions
from ledger.dead_letters.actions import (
    Action,
    ActionError,
    action_target,
    drop_rest,
    find_action,
)
from ledger.dead_letters.earlier import restore_states
from ledger.store.clock import now_ms
from ledger.store.commit_log import log_after_commit
from ledger.store.database import Ledger
from ledger.store.schema import (
    NO_ORG,
    campaign_orgs,
    campaigns,
    canary_jobs,
    jobs,
    lines,
    replacements,
    reservations,
)
from ledger.store.schema import bulk_actions as actions
from ledger.store.schema import bulk_items as items
from ledger.store.schema import bulk_results as results
from ledger.store.schema import dead_letters as letters

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undoing did."""

    action: Action
    dropped: int
    """Letters that were not sent yet: they have stayed open."""
    reopened: int
    """Letters that are open again: their jobs had not been claimed, or they were discarded."""
    left: int
    """Letters that were sent, or have changed since."""


def undo(ledger: Ledger, action_id: int, operator: Operator) -> Undone:
    """Take back what an action has not sent yet; it sends nothing more.

    A job that a worker has claimed since, for whatever short time, may have reached the API: it is
    left alone. It is safe to stop after any batch and run again.

    Raises:
        ActionError: there is no such action, or it has not begun.
    """
    dropped = _stop(ledger, action_id, operator)
    reopened, after = 0, -1
    while (batch := _undo_some(ledger, action_id, after, operator)) is not None:
        after, some = batch
        reopened += some
    with ledger.read() as connection:
        action = find_action(connection, action_id)
        left = select(func.count()).where(
            items.c.action_id == action_id,
            items.c.state.in_((ItemState.SENT, ItemState.DONE)),
        )
        return Undone(action, dropped, reopened, connection.scalar(left) or 0)


def _stop(ledger: Ledger, action_id: int, operator: Operator) -> int:
    with ledger.write() as connection:
        action = find_action(connection, action_id, for_update=True)
        if action.state is ActionState.PLANNED:
            raise ActionError(f"Plan {action_id} has not begun: there is nothing to undo")
        counted = (ItemState.SENT, ItemState.DONE, ItemState.REFUSED, ItemState.UNDONE)
        taken = select(func.count()).where(
            items.c.action_id == action_id, items.c.state.in_(counted)
        )
        dropped = action.selected - (connection.scalar(taken) or 0)
        drop_rest(connection, action_id)
        now = connection.scalar(select(now_ms())) or 0
        connection.execute(
            update(actions)
            .where(actions.c.id == action_id)
            .values(state=ActionState.UNDONE, is_live=True, changed_at=now, finished_at=now)
        )
        log_after_commit(
            connection,
            "redrive_undone",
            redrive=action_id,
            before=action.state.value,
            operator=operator.name,
            note=operator.note,
        )
        record_action(
            connection,
            operator,
            verb="undo",
            target=action_target(action_id),
            before=action.state,
            after=ActionState.UNDONE,
        )
        return dropped


class _Item(NamedTuple):
    position: int
    target: int
    expected: int
    job_number: int
    calls: int | None
    earlier: str | None


def _undo_some(
    ledger: Ledger, action_id: int, after: int, operator: Operator
) -> tuple[int, int] | None:
    """Undo the next items; return the last position and how many letters are open again."""
    with ledger.write() as connection:
        kind = find_action(connection, action_id, for_update=True).kind
        state = ItemState.DONE if kind is ActionKind.DISCARD else ItemState.SENT
        query = (
            select(*(items.c[name] for name in _Item._fields))
            .where(items.c.action_id == action_id, items.c.position > after)
            .where(items.c.state == state)
            .order_by(items.c.position)
            .limit(_BATCH)
        )
        chosen = [_Item(*row) for row in connection.execute(query)]
        if not chosen:
            return None
        open_campaigns = _lock_open_campaigns(connection, chosen)
        untouched = _untouched(connection, chosen, kind, open_campaigns)
        if untouched:
            _restore(connection, untouched, kind)
            _reopen(connection, action_id, untouched, operator, kind)
        return chosen[-1].position, len(untouched)


def _lock_open_campaigns(connection: Connection, chosen: Sequence[_Item]) -> Sequence[int]:
    """Keep the letters' campaigns from being closed, and return those that are not closed yet."""
    of_letters = select(letters.c.campaign_id).where(
        letters.c.id.in_([item.target for item in chosen])
    )
    query = select(campaigns.c.id).where(
        campaigns.c.id.in_(of_letters), campaigns.c.state != CampaignState.CLOSED
    )
    return connection.scalars(query.order_by(campaigns.c.id).with_for_update(read=True)).all()


def _untouched(
    connection: Connection,
    chosen: Sequence[_Item],
    kind: ActionKind,
    open_campaigns: Sequence[int],
) -> list[_Item]:
    """Lock jobs and letters, and return the items whose jobs were not claimed since.

    Nothing of a closed campaign is undone: its statement counts the letters as they are.
    """
    free = {
        number: (attempts, claims)
        for number, attempts, claims in connection.execute(
            select(jobs.c.number, jobs.c.attempts, jobs.c.claims)
            .where(
                jobs.c.number.in_([item.job_number for item in chosen]),
                jobs.c.state == State.WAITING,
            )
            .order_by(jobs.c.number)
            .with_for_update()
        )
    }
    query = (
        select(letters.c.id, letters.c.changed_at)
        .where(letters.c.id.in_([item.target for item in chosen]))
        .where(letters.c.state == _CHANGED[kind], letters.c.campaign_id.in_(open_campaigns))
        .order_by(letters.c.id)
        .with_for_update()
    )
    versions = {row.id: row.changed_at for row in connection.execute(query)}
    return [
        item
        for item in chosen
        if versions.get(item.target) == item.expected
        and (kind is ActionKind.DISCARD or free.get(item.job_number) == (item.calls, 0))
    ]


_CHANGED = {
    ActionKind.RESEND: DeadLetterState.REDRIVEN,
    ActionKind.REISSUE: DeadLetterState.REDRIVEN,
    ActionKind.DISCARD: DeadLetterState.DISCARDED,
}


def _restore(connection: Connection, untouched: Sequence[_Item], kind: ActionKind) -> None:
    numbers = [item.job_number for item in untouched]
    if kind is ActionKind.RESEND:
        restore_states(
            connection, {item.job_number: item.earlier for item in untouched if item.earlier}
        )
        connection.execute(delete(reservations).where(reservations.c.job_number.in_(numbers)))
    if kind is ActionKind.REISSUE:
        _remove_jobs(connection, numbers)
        old = select(letters.c.job_number).where(
            letters.c.id.in_([item.target for item in untouched])
        )
        connection.execute(
            update(lines)
            .where(lines.c.job_number.in_(old), lines.c.state == State.REPLACED)
            .values(state=State.FAILED)
        )


def _remove_jobs(connection: Connection, numbers: Sequence[int]) -> None:
    """Remove jobs that were never claimed: no one knows their requestIds."""
    of_jobs = lines.c.job_number.in_(numbers)
    org_id = func.coalesce(lines.c.org_id, NO_ORG)
    counts = connection.execute(
        select(lines.c.campaign_id, org_id, func.count(), func.sum(lines.c.requested_quantity))
        .where(of_jobs)
        .group_by(lines.c.campaign_id, org_id)
        .order_by(lines.c.campaign_id, org_id)
    ).all()
    for campaign_id, org, count, units in counts:
        connection.execute(
            update(campaigns)
            .where(campaigns.c.id == campaign_id)
            .values(
                accepted_lines=campaigns.c.accepted_lines - count,
                requested_units=campaigns.c.requested_units - int(units),
            )
        )
        connection.execute(
            update(campaign_orgs)
            .where(campaign_orgs.c.campaign_id == campaign_id, campaign_orgs.c.org_id == org)
            .values(accepted_lines=campaign_orgs.c.accepted_lines - count)
        )
    new_ones = select(lines.c.request_id).where(of_jobs)
    connection.execute(delete(replacements).where(replacements.c.replaced_by.in_(new_ones)))
    for table in (reservations, canary_jobs):
        connection.execute(delete(table).where(table.c.job_number.in_(numbers)))
    connection.execute(delete(lines).where(of_jobs))
    connection.execute(delete(jobs).where(jobs.c.number.in_(numbers)))


def _reopen(
    connection: Connection,
    action_id: int,
    untouched: Sequence[_Item],
    operator: Operator,
    kind: ActionKind,
) -> None:
    ids = [item.target for item in untouched]
    opened: dict[str, Any] = {"state": DeadLetterState.OPEN, "changed_at": now_ms()}
    if kind is ActionKind.REISSUE:
        opened["reissued_as"] = None
    connection.execute(update(letters).where(letters.c.id.in_(ids)).values(opened))
    undone = (items.c.action_id == action_id) & items.c.position.in_(ids)
    counts = select(items.c.group_id, func.count()).where(undone).group_by(items.c.group_id)
    for group_id, count in connection.execute(counts.order_by(items.c.group_id)).all():
        connection.execute(
            update(results)
            .where(results.c.action_id == action_id, results.c.group_id == group_id)
            .values(sent=results.c.sent - count)
        )
    connection.execute(
        update(items)
        .where(undone)
        .values(state=ItemState.UNDONE, result=None, job_number=None, earlier=None)
    )
    log_after_commit(
        connection,
        "dead_letters_reopened",
        redrive=action_id,
        letters=len(ids),
        operator=operator.name,
        note=operator.note,
    )
    record_actions(
        connection,
        operator,
        verb="reopen",
        targets=[letter_target(letter_id) for letter_id in ids],
        before=_CHANGED[kind],
        after=DeadLetterState.OPEN,
    )
