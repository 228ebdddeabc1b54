"""Whether a refusal by the edge is about the caller or about one job (rewards-api §4.1)."""

from enum import StrEnum

_ENOUGH_ATTEMPTS = 6


class EdgeVerdict(StrEnum):
    """What a refusal by the edge is about (`Outcome.by_edge`)."""

    CALLER = "caller"
    """Every call, as far as is known: the job waits, and nothing counts against it."""
    UNCLEAR = "unclear"
    """Other calls are answered, but this one was not tried often enough."""
    JOB = "job"
    """Other calls are answered, and this one is refused again and again."""


def judge_edge(
    attempts: int, calls_before: int, max_attempts: int, *, others_answered: bool
) -> EdgeVerdict:
    """Judge what a refusal by the edge is about.

    Args:
        attempts: counted attempts of the job, this one included.
        calls_before: its earlier calls. A first refusal never counts: it may be the first of many.
        max_attempts: of the retry policy.
        others_answered: the account may make calls, and the last one before this was answered.
    """
    if not others_answered or calls_before == 0:
        return EdgeVerdict.CALLER
    enough = attempts >= min(_ENOUGH_ATTEMPTS, max_attempts)
    return EdgeVerdict.JOB if enough else EdgeVerdict.UNCLEAR
