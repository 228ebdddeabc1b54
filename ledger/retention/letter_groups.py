"""What erasing and pruning do to groups and mass actions of dead letters."""

import os
from collections.abc import Sequence

from sqlalchemy import Connection, delete, select, update

from issuance.redrive.bulk import ActionState
from issuance.states import DeadLetterState
from ledger.store.database import Ledger
from ledger.store.schema import bulk_actions, bulk_items, dead_letter_groups, dead_letters

_DIGEST_BYTES = 16
_ITEMS_AT_ONCE = 5_000
_BATCHES_MOST = 20


def leave_groups(connection: Connection, job_numbers: Sequence[int]) -> None:
    """Take erased customers' letters out of their groups.

    A pattern that only their messages had is overwritten: a name may have been left in it.
    """
    theirs = dead_letters.c.job_number.in_(job_numbers)
    left = connection.scalars(
        select(dead_letters.c.group_id).where(theirs, dead_letters.c.group_id.is_not(None))
    ).all()
    connection.execute(update(dead_letters).where(theirs).values(group_id=None))
    for group_id in sorted(set(left)):
        others = select(dead_letters.c.id).where(
            dead_letters.c.state.in_(list(DeadLetterState)), dead_letters.c.group_id == group_id
        )
        if connection.execute(others.limit(1)).first() is None:
            connection.execute(
                update(dead_letter_groups)
                .where(dead_letter_groups.c.id == group_id)
                .values(pattern="", digest=os.urandom(_DIGEST_BYTES))
            )


def prune_items(ledger: Ledger, cutoff: int) -> int:
    """Remove the items of mass actions that ended before this time; return how many.

    The actions stay, with their counts by group. A call removes a bounded number; the next pass
    removes more.
    """
    ended = (ActionState.FINISHED, ActionState.ABORTED, ActionState.UNDONE)
    old = select(bulk_actions.c.id).where(
        bulk_actions.c.state.in_(ended),
        ~bulk_actions.c.is_live,
        bulk_actions.c.changed_at < cutoff,
    )
    removed = 0
    for _ in range(_BATCHES_MOST):
        with ledger.write() as connection:
            some = connection.execute(
                select(bulk_items.c.action_id, bulk_items.c.position)
                .where(bulk_items.c.action_id.in_(old))
                .order_by(bulk_items.c.action_id, bulk_items.c.position)
                .limit(_ITEMS_AT_ONCE)
            ).all()
            if not some:
                break
            for action_id in sorted({row.action_id for row in some}):
                positions = [row.position for row in some if row.action_id == action_id]
                connection.execute(
                    delete(bulk_items).where(
                        bulk_items.c.action_id == action_id,
                        bulk_items.c.position.between(positions[0], positions[-1]),
                    )
                )
            removed += len(some)
    return removed
