"""The verdict on a canary: whether the campaign may continue after its first lines."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

MOST_FAULTS = 0.10
"""The largest share of campaign faults among a reward's canary answers with which it passes."""


class CanaryState(StrEnum):
    """How far a campaign's canary is."""

    PENDING = "pending"
    """Its jobs are picked when the campaign starts."""
    RUNNING = "running"
    """Only its jobs are sent."""
    PASSED = "passed"
    """The campaign continues."""
    FAILED = "failed"
    """The campaign was stopped."""


class Trial(NamedTuple):
    """The canary's answers for one reward."""

    answers: int
    faults: int
    """Answers that are the campaign's fault."""


def failed_rewards(trials: Mapping[str, Trial]) -> list[str]:
    """Return the rewards that fail, sorted; the canary passes if there is none."""
    return sorted(
        reward for reward, trial in trials.items() if trial.faults > MOST_FAULTS * trial.answers
    )
