"""Decide after an outcome: settle the job, try again or reconcile. Pure: `rng` is a parameter."""

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import assert_never

from issuance.edge import EdgeVerdict
from issuance.limit_windows import begins_again, is_same_day, limit_window_seconds
from issuance.outcome import Kind, Outcome, Reason, Refusal, settled_state
from issuance.states import State

_MAX_EXPONENT = 32  # 2**32 seconds exceeds every cap; avoids huge integers at attempt 10,000
_RETRY_AFTER_MAX_SECONDS = 3_600.0
_THROTTLED_MIN_SECONDS = 1.0  # `Retry-After: 0` must not cause a storm of uncounted calls
# Share of Retry-After. Calls that were refused together must not be repeated together.
_THROTTLED_JITTER = 0.25
_LIMIT_WINDOWS_MAX = 3
LIMIT = "limit"  # why a job with a used-up limit is tried again
_LOOK_PATIENCE = 2  # sends and reads together, as a multiple of `max_attempts`
_EDGE_AGAIN_SECONDS = 5.0  # the suspension limits the calls, so the job need not wait longer


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long and how often a job is tried.

    Attributes:
        max_attempts: most counted attempts, at least 1. A 429 and a failed probe of a suspended
            account never count.
        base_seconds: the largest backoff after the first attempt; it doubles with each attempt.
        cap_seconds: the largest backoff.
        total_seconds: no attempt is planned later than this after the first one.
        throttled_base_seconds: the wait after a first 429 without `Retry-After` (rewards-api §6.3:
            from 5 s); it doubles with each call of the job.
        throttled_cap_seconds: the largest such wait.
        reconcile_delays_seconds: the wait before each reconciliation of a job that a resend cannot
            settle (rewards-api §8: reads may lag). Empty: no reconciliation, the job is settled in
            doubt.
    """

    max_attempts: int = 8
    base_seconds: float = 2.0
    cap_seconds: float = 600.0
    total_seconds: float = 3_600.0
    throttled_base_seconds: float = 5.0
    throttled_cap_seconds: float = 300.0
    reconcile_delays_seconds: tuple[float, ...] = ()

    def backoff_seconds(self, attempts: int, rng: Random) -> float:
        """Draw the wait after this many counted attempts: capped exponential with full jitter."""
        exponent = min(max(attempts - 1, 0), _MAX_EXPONENT)
        ceiling: float = min(self.cap_seconds, self.base_seconds * 2**exponent)
        return rng.uniform(0.0, ceiling)

    def throttled_seconds(self, retry_after: float | None, calls: int, rng: Random) -> float:
        """Draw the wait after a 429; `calls` is the number of earlier calls for the job."""
        if retry_after is not None:
            return max(bounded(retry_after), _THROTTLED_MIN_SECONDS) * rng.uniform(
                1.0, 1.0 + _THROTTLED_JITTER
            )
        ceiling: float = min(
            self.throttled_cap_seconds, self.throttled_base_seconds * 2 ** min(calls, _MAX_EXPONENT)
        )
        return rng.uniform(ceiling / 2, ceiling)


@dataclass(frozen=True, slots=True)
class History:
    """The job's attempts, including this one."""

    attempts: int
    """Counted attempts of this budget (a resend by an operator starts a new one)."""
    age_seconds: float
    """Seconds since the first attempt of this budget was sent."""
    in_doubt_before: bool
    """An earlier attempt may have reached the API, and no answer has cleared the doubt."""
    calls_before: int = 0
    """Calls made for the job before this one, counted or not."""
    is_probe: bool = False
    """The call probed a suspended account, or suspended reads: a failure does not count."""
    limit_deferrals: int = 0
    limit_refused_at: datetime | None = None
    """When a limit was found used up before this call, and the job was deferred."""
    defers_limits: bool = False
    """The campaign was started with `--defer-limits`."""
    empty_reads: int = 0
    """Reconciliations that found nothing."""
    lags_behind: bool = False
    """This reconciliation does not show a transaction that a reply has named."""
    edge: EdgeVerdict = EdgeVerdict.JOB
    """What the outcome is about if the edge refused the call."""


@dataclass(frozen=True, slots=True)
class Settle:
    """The job has its final outcome; `reason` is None if no operator has to act."""

    state: State
    reason: Reason | None
    uses_fallback: bool = False
    """No read found the job: each line keeps its last reply's state (`reconciliation.fallback`)."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """The job goes back to the ledger, due after `delay_seconds`."""

    delay_seconds: float
    counted: bool
    """Whether this attempt counts against the budget."""
    because: str
    """For the log.

    `transient`, `in_doubt`, `throttled`, `unauthorised`, `edge`, `probe` or `limit`.
    """
    replaces_deferral: bool = False
    """It waits for the same limit as the deferral before it, which brought no new day."""

    @property
    def uses_deferral(self) -> bool:
        """Whether it uses up one of the deferrals that a job has for limits."""
        return self.because == LIMIT and not self.replaces_deferral


@dataclass(frozen=True, slots=True)
class Reconcile:
    """The job is not resent but reconciled with the API's transactions after `delay_seconds`."""

    delay_seconds: float
    fallback: State
    """The state to settle in when no read finds the job.

    In doubt, or the state of the API's last answer. That answer alone does not settle the job when
    the lost reply of an earlier attempt may have shown more units and vouchers.
    """
    found_nothing: bool = False
    """The reads found nothing or too little, which uses up one of `reconcile_delays_seconds`."""
    counted: bool = True
    """False when the reads of every job fail: that says nothing about this one."""


Decision = Settle | TryAgain | Reconcile


def decide(
    outcome: Outcome, history: History, policy: RetryPolicy, *, now: datetime, rng: Random
) -> Decision:
    """Decide what to do with a job after an outcome.

    Args:
        outcome: the classified reply.
        history: counts and ages, this attempt included.
        policy: the bounds.
        now: the time in the brand's zone; only limits need it, which begin again at its midnight.
        rng: the source of jitter.
    """
    if outcome.by_edge and history.edge is not EdgeVerdict.JOB:
        return _wait_for_edge(outcome, history, policy, rng)
    return _decide_alone(outcome, history, policy, now, rng)


def _wait_for_edge(
    outcome: Outcome, history: History, policy: RetryPolicy, rng: Random
) -> TryAgain:
    backoff = min(policy.backoff_seconds(history.attempts, rng), _EDGE_AGAIN_SECONDS)
    delay = backoff + bounded(outcome.retry_after or 0.0)
    return TryAgain(delay, counted=history.edge is EdgeVerdict.UNCLEAR, because="edge")


def _decide_alone(
    outcome: Outcome, history: History, policy: RetryPolicy, now: datetime, rng: Random
) -> Decision:
    """Decide by what the outcome says about this job."""
    match outcome.kind:
        case Kind.DEFERRED if outcome.refusal is Refusal.THROTTLED:
            delay = policy.throttled_seconds(outcome.retry_after, history.calls_before, rng)
            return TryAgain(delay, counted=False, because=outcome.refusal)
        case Kind.DEFERRED | Kind.TRANSIENT | Kind.IN_DOUBT:
            return _retry(outcome, history, policy, rng)
        case Kind.FAILED if outcome.reason is Reason.LIMIT and _may_defer(outcome, history, now):
            return TryAgain(
                limit_window_seconds(_messages(outcome), now, rng),
                counted=False,
                because=LIMIT,
                replaces_deferral=_was_useless(history, now),
            )
        case Kind.ISSUED | Kind.PARTIAL if (
            outcome.needs_reconciliation and policy.reconcile_delays_seconds
        ):
            return Reconcile(policy.reconcile_delays_seconds[0], settled_state(outcome.kind))
        case Kind.FAILED if history.in_doubt_before and policy.reconcile_delays_seconds:
            # The refusal may have come before the API checked the requestId, although the lost
            # attempt issued units.
            unprocessed = outcome.reason is Reason.UNPROCESSED
            return Reconcile(
                policy.reconcile_delays_seconds[0], State.IN_DOUBT if unprocessed else State.FAILED
            )
        case Kind.ISSUED | Kind.PARTIAL | Kind.FAILED:
            return Settle(settled_state(outcome.kind), outcome.reason)
        case _:  # pragma: no cover - mypy proves that nothing gets here
            assert_never(outcome.kind)


def _retry(outcome: Outcome, history: History, policy: RetryPolicy, rng: Random) -> Decision:
    delay = policy.backoff_seconds(history.attempts, rng)
    if outcome.retry_after is not None:
        delay += bounded(outcome.retry_after)
    is_young = history.age_seconds + delay <= policy.total_seconds
    if is_young and history.is_probe and (outcome.refusal or not outcome.readable):
        return TryAgain(delay, counted=False, because="probe")
    if is_young and history.attempts < policy.max_attempts and outcome.retry_is_conclusive:
        return TryAgain(delay, counted=True, because=outcome.refusal or outcome.kind.value)
    if outcome.kind is not Kind.IN_DOUBT and not history.in_doubt_before:
        # Lines that were issued in the same call stay issued.
        issued = any(line.kind in (Kind.ISSUED, Kind.PARTIAL) for line in outcome.lines)
        return Settle(State.PARTIAL if issued else State.FAILED, outcome.reason or Reason.EXHAUSTED)
    if policy.reconcile_delays_seconds:
        return Reconcile(policy.reconcile_delays_seconds[0], State.IN_DOUBT)
    return Settle(State.IN_DOUBT, Reason.IN_DOUBT)


def decide_reconciliation(
    found: Outcome, history: History, policy: RetryPolicy, *, fallback: State, rng: Random
) -> Decision:
    """Decide what to do with a job after reading the API's transactions.

    Args:
        found: the outcome by the transactions: issued, partial or failed; in doubt when the job has
            none; transient when they could not be read.
        history: `attempts` includes this reconciliation, `empty_reads` does not.
        policy: the bounds.
        fallback: the state to settle in when no read finds the job.
        rng: the source of jitter.
    """
    match found.kind:
        case Kind.TRANSIENT | Kind.DEFERRED if (
            history.is_probe or history.attempts < policy.max_attempts * _LOOK_PATIENCE
        ):
            delay = policy.backoff_seconds(history.attempts, rng)
            return Reconcile(delay, fallback, counted=not history.is_probe)
        case kind if _lags_behind(kind, history, fallback) and history.empty_reads + 1 < len(
            policy.reconcile_delays_seconds
        ):
            delay = policy.reconcile_delays_seconds[history.empty_reads + 1]
            return Reconcile(delay, fallback, found_nothing=True)
        case Kind.FAILED if fallback is State.ISSUED:
            # The issue call said issued, the transactions say failed: an operator must decide.
            return Settle(State.IN_DOUBT, Reason.IN_DOUBT)
        case Kind.ISSUED | Kind.PARTIAL | Kind.FAILED:
            return Settle(settled_state(found.kind), found.reason)
        case Kind.IN_DOUBT | Kind.TRANSIENT | Kind.DEFERRED:
            unread = fallback is State.FAILED and found.kind is not Kind.IN_DOUBT
            if fallback is State.IN_DOUBT or unread:
                # A job that could not be read must not count as refused: a new requestId could
                # issue it twice.
                return Settle(State.IN_DOUBT, Reason.IN_DOUBT)
            return Settle(fallback, _FALLBACK_REASONS[fallback], uses_fallback=True)
        case _:  # pragma: no cover - mypy proves that nothing gets here
            assert_never(found.kind)


def _lags_behind(found: Kind, history: History, fallback: State) -> bool:
    """Whether the reads show nothing yet, or less than a reply has shown."""
    less = fallback is State.ISSUED or history.lags_behind
    return found is Kind.IN_DOUBT or (less and found in (Kind.PARTIAL, Kind.FAILED))


_FALLBACK_REASONS = {State.ISSUED: None, State.PARTIAL: Reason.PARTIAL, State.FAILED: Reason.FAILED}


def bounded(retry_after: float) -> float:
    """Clamp a `Retry-After` to between 0 seconds and an hour; NaN counts as 0."""
    # The order matters: max(0.0, nan) is 0.0.
    return min(max(0.0, retry_after), _RETRY_AFTER_MAX_SECONDS)


def _may_defer(outcome: Outcome, history: History, now: datetime) -> bool:
    used = history.limit_deferrals - _was_useless(history, now)
    return history.defers_limits and used < _LIMIT_WINDOWS_MAX and begins_again(_messages(outcome))


def _messages(outcome: Outcome) -> str:
    return " ".join(line.message for line in outcome.lines)


def _was_useless(history: History, now: datetime) -> bool:
    """Whether the last deferral ended in the day in which it began, and is not to be counted."""
    return history.limit_deferrals > 0 and is_same_day(history.limit_refused_at, now)
