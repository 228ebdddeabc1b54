"""What a redrive of a dead letter would give, judged before anything is sent."""

from dataclasses import dataclass
from enum import StrEnum

from issuance.redrive.rules import Case, Verb, refusal

_FAILS_FROM = 0.9
"""From this share of failures in the last redrive on, a group is expected to fail again."""
_UNTRIED_SHARE = 0.5
"""More than this share of a trial must be issued in a group that was never redriven."""


class Verdict(StrEnum):
    """What a redrive of a letter would do."""

    RESEND = "resend"
    """It can be resent: that cannot issue twice."""
    REISSUE = "reissue"
    """It would be reissued under a new requestId."""
    FAILS = "fails"
    """It can be sent, and would fail again by what the last redrive of its group gave."""
    DISCARD = "discard"
    """It can be discarded."""
    REFUSED = "refused"
    """It is not allowed."""


VERDICT_OF = {Verb.RESEND: Verdict.RESEND, Verb.REISSUE: Verdict.REISSUE}
SENDABLE = frozenset(Verdict) - {Verdict.REFUSED}
"""The verdicts of letters that an action takes."""


@dataclass(frozen=True, slots=True)
class Results:
    """What a redrive gave for the letters of one group."""

    action_id: int
    issued: int
    failed: int
    """Settled, but not issued in full."""

    @property
    def settled(self) -> int:
        """How many have a result."""
        return self.issued + self.failed

    @property
    def share(self) -> float:
        """The share that was issued; 0 without any result."""
        return self.issued / self.settled if self.settled else 0.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """The verdict on letters that are alike, and why."""

    verdict: Verdict
    why: str = ""
    """The evidence, or the rule that refuses them; "" for what is simply allowed."""


def forecast(case: Case, verb: Verb, past: Results | None) -> Forecast:
    """Judge what a redrive would give.

    Args:
        case: the facts about the letters.
        verb: resend or reissue.
        past: what the last redrive of their group gave; None: there was none, or it has no result.
    """
    if (why_not := refusal(case, verb)) is not None:
        return Forecast(Verdict.REFUSED, why_not)
    if past is not None and past.failed and 1 - past.share >= _FAILS_FROM:
        return Forecast(
            Verdict.FAILS,
            f"redrive {past.action_id} sent this group again, and {past.failed:,} of "
            f"{past.settled:,} were not issued",
        )
    return Forecast(VERDICT_OF[verb])


def is_better(trial: Results, past: Results | None) -> bool:
    """Whether a trial of a group is good enough to send the rest of it without asking.

    It is if everything was issued, or a larger share than by the last redrive; in a group that was
    never redriven, more than half.
    """
    if trial.issued == 0:
        return False
    needed = _UNTRIED_SHARE if past is None else past.share
    return trial.failed == 0 or trial.share > needed
