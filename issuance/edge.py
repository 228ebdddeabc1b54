"""Whether a refusal by the edge is about the caller or about one job (rewards-api §4.1)."""

from enum import StrEnum

_ENOUGH_ATTEMPTS = 6
_MANY_CALLS = 60
"""Enough that a wrong address suspends the account first. While it is suspended, at most one probe
a second goes out, and probes alternate over jobs: a minute for one job, 17 hours for a thousand."""


class EdgeVerdict(StrEnum):
    """What a refusal by the edge is about (`Outcome.by_edge`)."""

    CALLER = "caller"
    """Every call, as far as is known: the job waits, and nothing counts against it."""
    UNCLEAR = "unclear"
    """Other calls are answered, but this one was not tried often enough."""
    JOB = "job"
    """This one is refused again and again, while other calls are answered or none are made."""


def judge_edge(
    attempts: int, calls_before: int, max_attempts: int, *, others_answered: bool
) -> EdgeVerdict:
    """Judge what a refusal by the edge is about.

    Args:
        attempts: counted attempts of the job, this one included.
        calls_before: its earlier calls. A first refusal never counts: it may be the first of many.
        max_attempts: of the retry policy.
        others_answered: the account may make calls, and the last one before this was answered.
            After sixty earlier calls it no longer counts: the job may be the only one.
    """
    if calls_before >= _MANY_CALLS:
        return EdgeVerdict.JOB
    if not others_answered or calls_before == 0:
        return EdgeVerdict.CALLER
    enough = attempts >= min(_ENOUGH_ATTEMPTS, max_attempts)
    return EdgeVerdict.JOB if enough else EdgeVerdict.UNCLEAR
