"""The rewards of a campaign that are stopped, as its column `stopped_rewards` lists them."""

from collections.abc import Collection
from enum import StrEnum

from pydantic_core import from_json, to_json

STOP_LOSS_OFF = "off"
"""Of a campaign without a stop-loss."""
RETURNING = ""
"""In the list: jobs of rewards that are no longer stopped are still held, and are moved back."""


class RewardState(StrEnum):
    """What happens to a reward's jobs in a campaign."""

    RUNNING = "running"
    STOPPED = "stopped"
    """They are held until an operator decides."""
    REMOVED = "removed"
    """The campaign continues without them: those that were never sent are cancelled."""


def read_stopped(stored: str | None) -> tuple[str, ...]:
    """Return the rewards whose jobs are held, from the column's value."""
    return tuple(reward for reward in read_list(stored) if reward != RETURNING)


def read_list(stored: str | None) -> tuple[str, ...]:
    """Return the column's whole list."""
    return tuple(from_json(stored)) if stored else ()


def write_list(rewards: Collection[str]) -> str | None:
    """Return the column's value for a list."""
    return to_json(sorted(set(rewards))).decode() if rewards else None
