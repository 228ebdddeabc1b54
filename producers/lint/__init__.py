"""The lint: finds what would go wrong with a readable row, before it is accepted."""

from producers.lint.expectation import Expectation
from producers.lint.finding import Finding
from producers.lint.lint import Lint
from producers.lint.rewards_file import RewardTerms, read_rewards_file
from producers.lint.warnings import Readings, Warnings

__all__ = [
    "Expectation",
    "Finding",
    "Lint",
    "Readings",
    "RewardTerms",
    "Warnings",
    "read_rewards_file",
]
