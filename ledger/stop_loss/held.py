"""Holds the jobs of stopped rewards, and moves them back when their rewards run again."""

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import Connection, bindparam, select, update

from issuance.states import State
from ledger.stop_loss.stopped_rewards import HELD_MS, IS_HELD, has_reward
from ledger.store.schema import IS_WAITING, jobs

_HOLD = (
    update(jobs)
    .where(
        jobs.c.number.in_(bindparam("job_numbers", expanding=True)),
        jobs.c.state == State.WAITING,
        # Reading issues nothing, and clears the doubt.
        jobs.c.fallback.is_(None),
    )
    .values(due_at=jobs.c.due_at + HELD_MS)
    .returning(jobs.c.number)
)
_RETURNED = {"due_at": jobs.c.due_at - HELD_MS}


Row = tuple[int, str, int, int]
"""A due job: its number comes first."""


def choose_unheld(
    choose: Callable[[int], list[Row]],
    hold_some: Callable[[list[int]], Collection[int]],
    limit: int,
) -> list[Row]:
    """Choose up to `limit` due jobs without a stopped reward, and hold the others that are due.

    Bounded: a release passes by a few thousand jobs of stopped rewards, the next one by more.

    Args:
        choose: chooses due jobs, the same ones again while they are due.
        hold_some: holds those of these jobs that have a stopped reward; returns which.
        limit: the most jobs to choose.
    """
    found: list[Row] = []
    for _ in range(_STEPS):
        due = choose(max(limit, _LEAST))
        held = hold_some([number for number, *_ in due])
        found = [row for row in due if row[0] not in held][:limit]
        if not held or len(found) == limit:
            break
    return found


def hold(
    connection: Connection, numbers: Sequence[int], rewards: Collection[str]
) -> frozenset[int]:
    """Hold those of these due jobs that have an unsettled line of one of the rewards.

    Returns:
        Their numbers.
    """
    statement = _HOLD.where(has_reward(rewards))
    return frozenset(connection.scalars(statement, {"job_numbers": numbers}))


def return_all(connection: Connection, campaign_id: int) -> None:
    """Let every held job of a campaign be due when it was."""
    held = (IS_WAITING, jobs.c.campaign_id == campaign_id, IS_HELD)
    connection.execute(update(jobs).where(*held).values(_RETURNED))


def return_some(connection: Connection, campaign_id: int, limit: int) -> int:
    """Do the same for up to `limit` jobs; returns how many."""
    query = (
        select(jobs.c.number)
        .where(IS_WAITING, jobs.c.campaign_id == campaign_id, IS_HELD)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    numbers = list(connection.scalars(query))
    for start in range(0, len(numbers), _BATCH):
        batch = numbers[start : start + _BATCH]
        connection.execute(update(jobs).where(jobs.c.number.in_(batch)).values(_RETURNED))
    return len(numbers)


_BATCH = 500
_LEAST = 500
"""The fewest jobs to look at in a step."""
_STEPS = 20
