"""Results of calls that this process has not reported to the limiter yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from limiter.reservation import MICROSECONDS, Grant, Scope


class Verdict(Enum):
    """The result of one call, as far as it concerns the account."""

    ACCEPTED = auto()
    """A readable answer, whatever its code for the job."""
    THROTTLED = auto()
    """429."""
    UNAUTHORISED = auto()
    """401."""
    FAILED = auto()
    """No readable answer: no connection, no reply, a gateway's page, truncated JSON."""


EVIDENCE = {
    Verdict.ACCEPTED: 0,
    Verdict.THROTTLED: 2,
    Verdict.UNAUTHORISED: 4,
    Verdict.FAILED: 1,
}
"""Weight of one refused call; `failure_threshold` of them in a row suspend the account."""
_BLOCKED_EVIDENCE, _BLOCKED_AGAIN_EVIDENCE = 4, 1
"""Weight of a call that the edge refused, for the account and for its campaign."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """What the limiter needs to know about one call."""

    verdict: Verdict
    settled: bool = True
    """The answer settled the job. A campaign none of whose jobs settle is suspended on its own."""
    is_repeat: bool = False
    """The job failed before: its failure says more about the job than about the account."""
    retry_after_seconds: float = 0.0
    took_seconds: float | None = None
    """Latency; None for reads, and when the measurement is unreliable."""
    reason: str = ""
    """The answer in short, for the operator: `HTTP 502 text/html`; it names no customer."""
    is_blocked: bool = False
    """The edge answered instead of the API (403, 404, a redirect), or there is no token."""


@dataclass
class Feedback:
    """Sums over the calls of one grant: one scope in one state of the limits."""

    calls: int = 0
    accepted: int = 0
    accepted_repeats: int = 0
    throttled: int = 0
    unauthorised: int = 0
    failed: int = 0
    fresh_failed: int = 0
    """Failed or unauthorised calls for jobs that had not failed before."""
    evidence: int = 0
    refused_repeats: int = 0
    settled: int = 0
    settled_repeats: int = 0
    unsettled: int = 0
    unsettled_repeats: int = 0
    retry_after: int = 0
    timed: int = 0
    took: int = 0
    fastest: int = 0
    reason: str = ""

    def add(self, result: CallResult) -> None:
        """Add one result."""
        self.calls += 1
        match result.verdict:
            case Verdict.ACCEPTED:
                self.accepted += 1
                self.accepted_repeats += result.is_repeat
            case Verdict.THROTTLED:
                self.throttled += 1
            case Verdict.UNAUTHORISED:
                self.unauthorised += 1
            case Verdict.FAILED:
                self.failed += 1
            case _:  # pragma: no cover - mypy proves that nothing gets here
                assert_never(result.verdict)
        self.reason = result.reason or self.reason
        if result.verdict is not Verdict.ACCEPTED:
            self._add_refused(result)
        self._add_progress(result)
        self._add_time(result)

    def _add_refused(self, result: CallResult) -> None:
        self.refused_repeats += result.is_repeat
        if result.is_blocked:
            self.evidence += _BLOCKED_AGAIN_EVIDENCE if result.is_repeat else _BLOCKED_EVIDENCE
        elif not result.is_repeat:
            self.evidence += EVIDENCE[result.verdict]
        self.fresh_failed += result.verdict is not Verdict.THROTTLED and not result.is_repeat
        if result.retry_after_seconds > 0:
            asked = max(MICROSECONDS, round(result.retry_after_seconds * MICROSECONDS))
            self.retry_after = min(self.retry_after or asked, asked)

    def _add_progress(self, result: CallResult) -> None:
        if result.settled:
            self.settled += 1
            self.settled_repeats += result.is_repeat
        elif result.verdict is not Verdict.THROTTLED:  # a 429 says nothing about the campaign
            weight = _BLOCKED_EVIDENCE if result.is_blocked else 1
            self.unsettled += 0 if result.is_repeat else weight
            self.unsettled_repeats += result.is_repeat

    def _add_time(self, result: CallResult) -> None:
        if result.took_seconds is not None:
            took = round(result.took_seconds * MICROSECONDS)
            self.timed += 1
            self.took += took
            self.fastest = min(self.fastest or took, took)


class FeedbackBuffer:
    """One process's unreported results, by grant."""

    def __init__(self) -> None:
        self._by_grant: dict[Grant, Feedback] = {}

    def add(self, grant: Grant, result: CallResult) -> None:
        """Add the result of a call."""
        feedback = self._by_grant.get(grant)
        if feedback is None:
            feedback = self._by_grant[grant] = Feedback()
        feedback.add(result)

    def take(self, scope: Scope) -> tuple[Grant, Feedback] | None:
        """Remove and return the oldest results of a scope."""
        grant = next((known for known in self._by_grant if known.scope == scope), None)
        return None if grant is None else (grant, self._by_grant.pop(grant))

    def has_refusals(self) -> bool:
        """Whether the buffer has a refused call."""
        return any(feedback.accepted < feedback.calls for feedback in self._by_grant.values())

    def take_all(self) -> Iterator[tuple[Grant, Feedback]]:
        """Remove and yield everything, the oldest first."""
        while self._by_grant:
            grant = next(iter(self._by_grant))
            yield grant, self._by_grant.pop(grant)
