"""What a forecast is made from: the work of an account's campaigns."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

SOON_SECONDS = 60.0
"""Jobs that are due within this time take their turns with those that are due now."""


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds from now, in which a campaign's calls may start; the end is not part of it."""

    begin: float = 0.0
    end: float = math.inf


ALWAYS = (Span(),)


@dataclass(frozen=True, slots=True)
class Later:
    """Jobs that are due at a known time."""

    seconds: float
    """From now."""
    jobs: int
    looks_up: bool = False
    """They are reconciled, not sent again."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """How often calls of a campaign lead to another call, and how long the job waits for it."""

    first: float = 0.0
    """Share of first calls after which the job is tried again."""
    again: float = 0.0
    """The same share of the calls after the first."""
    first_seconds: float = 1.0
    """Mean wait after a first call. It doubles with each call, up to `longest_seconds`."""
    longest_seconds: float = 300.0
    calls_most: int = 8
    """Most calls of a job."""
    look_ups: float = 0.0
    """Share of jobs that end with look-ups."""
    look_up_seconds: tuple[float, ...] = ()
    """The wait before each look-up."""

    @property
    def calls_per_job(self) -> float:
        """The mean number of calls that a job needs, look-ups included."""
        more = min(self.again, 0.95)
        return 1 + self.first / (1 - more) + self.look_ups


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign of the account that has work."""

    id: int
    jobs: float
    """Jobs to go without those in `later`."""
    weight: int = 1
    per_minute: float = 0
    """Most calls a minute of this campaign; 0: only the account's limits apply."""
    later: Sequence[Later] = ()
    repeats: Repeats = Repeats()
    spans: Sequence[Span] = ALWAYS
    """When its calls may start, ascending and apart from each other."""

    @property
    def calls(self) -> float:
        """Calls that are due now or soon, with those that will be repeated."""
        soon = sum(each.jobs for each in self.later if each.seconds <= SOON_SECONDS)
        return (self.jobs + soon) * self.repeats.calls_per_job
