"""Conditions on the jobs of stopped rewards.

A held job keeps its row and state; its due time is moved into the far future, so that no release
reads it again.
"""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, and_, select

from issuance.states import State
from ledger.store.schema import LINE_REWARD, jobs, lines

HELD_MS = 1000 * 365 * 24 * 3600 * 1000
"""What is added to a held job's due time."""
IS_HELD = jobs.c.due_at >= HELD_MS


def has_reward(rewards: Collection[str]) -> ColumnElement[bool]:
    """Return the condition of jobs with an unsettled line of one of these rewards."""
    return _open_lines(LINE_REWARD.in_(sorted(rewards))).exists()


def has_only(rewards: Collection[str]) -> ColumnElement[bool]:
    """Return the condition of jobs whose unsettled lines are all of these rewards."""
    others = _open_lines(LINE_REWARD.not_in(sorted(rewards))).exists()
    return and_(has_reward(rewards), ~others)


def _open_lines(condition: ColumnElement[bool]) -> Select[int]:
    return select(lines.c.job_number).where(
        lines.c.job_number == jobs.c.number, lines.c.state == State.WAITING, condition
    )
