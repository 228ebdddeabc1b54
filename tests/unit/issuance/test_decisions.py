"""From outcome to decision: what is settled, and what is retried when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.outcome import Kind, LineOutcome, Outcome, Reason, settled_state
from issuance.retry import History, RetryPolicy, Settle, TryAgain, decide
from issuance.states import State

KOLKATA = ZoneInfo("Asia/Kolkata")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday
OPEN_KINDS = [Kind.TRANSIENT, Kind.IN_DOUBT]
REASONS = {
    Kind.TRANSIENT: Reason.EXHAUSTED,
    Kind.IN_DOUBT: Reason.IN_DOUBT,
    Kind.PARTIAL: Reason.PARTIAL,
}


def outcome(kind, *, reason=None, lines=(), **fields):
    reason = reason or REASONS.get(kind)
    lines = lines or (LineOutcome("r-a", kind, 0, fields.get("message", ""), reason),)
    return Outcome(
        kind=kind,
        code=0,
        message="",
        lines=lines,
        reason=reason,
        **{k: v for k, v in fields.items() if k != "message"},
    )


def history(attempts=1, age_seconds=0.0, *, in_doubt_before=False, **fields):
    return History(attempts, age_seconds, in_doubt_before, **fields)


open_outcomes = st.builds(outcome, st.sampled_from(OPEN_KINDS), retry_after=st.none() | st.floats())
histories = st.builds(
    History,
    st.integers(1, 20_000) | st.just(1),
    st.floats(0, 1e4) | st.just(0.0),
    in_doubt_before=st.booleans(),
)
policies = st.builds(
    RetryPolicy, max_attempts=st.integers(1, 20_000), total_seconds=st.floats(0.01, 1e5)
)


def choose(result, past=None, policy=None, *, now=NOON, seed=1):
    return decide(result, past or history(), policy or RetryPolicy(), now=now, rng=Random(seed))


@pytest.mark.parametrize(
    ("kind", "reason", "expected"),
    [
        (Kind.ISSUED, None, Settle(State.ISSUED, None)),
        (Kind.PARTIAL, Reason.PARTIAL, Settle(State.PARTIAL, Reason.PARTIAL)),
        (Kind.FAILED, Reason.FAILED, Settle(State.FAILED, Reason.FAILED)),
        (Kind.FAILED, Reason.CONFIG, Settle(State.FAILED, Reason.CONFIG)),
        (Kind.FAILED, Reason.UNKNOWN_CODE, Settle(State.FAILED, Reason.UNKNOWN_CODE)),
        (Kind.FAILED, Reason.UNPROCESSED, Settle(State.FAILED, Reason.UNPROCESSED)),
        (Kind.FAILED, Reason.LIMIT, Settle(State.FAILED, Reason.LIMIT)),
    ],
)
def test_a_definite_outcome_is_settled_at_once(kind, reason, expected):
    assert choose(outcome(kind, reason=reason)) == expected


@given(open_outcomes, histories, policies, st.integers())
def test_a_retry_respects_attempts_cap_and_total_time(result, past, policy, seed):
    decision = choose(result, past, policy, seed=seed)
    if isinstance(decision, TryAgain):
        assert decision.counted
        assert decision.because == result.kind.value
        assert past.attempts < policy.max_attempts
        assert 0 <= decision.delay_seconds <= policy.cap_seconds + 3_600
        assert past.age_seconds + decision.delay_seconds <= policy.total_seconds
    else:
        assert decision.state in (State.FAILED, State.IN_DOUBT)
        assert decision.reason in (Reason.EXHAUSTED, Reason.IN_DOUBT)


@given(
    st.sampled_from(OPEN_KINDS), st.integers(1, 50), st.integers(), st.none() | st.floats(0, 100)
)
def test_a_job_that_is_never_answered_is_settled_within_its_budget(kind, most, seed, retry_after):
    policy = RetryPolicy(max_attempts=most)
    age, attempts, rng = 0.0, 0, Random(seed)
    while True:
        attempts += 1
        decision = decide(
            outcome(kind, retry_after=retry_after),
            history(attempts, age),
            policy,
            now=NOON,
            rng=rng,
        )
        if isinstance(decision, Settle):
            break
        age += decision.delay_seconds
    assert attempts <= most
    assert age <= policy.total_seconds


@given(st.sampled_from(OPEN_KINDS), st.floats(0, 1_000), st.integers())
def test_a_retry_waits_at_least_for_the_retry_after(kind, retry_after, seed):
    policy = RetryPolicy(total_seconds=1e9)
    decision = choose(outcome(kind, retry_after=retry_after), policy=policy, seed=seed)
    assert retry_after <= decision.delay_seconds <= retry_after + policy.base_seconds


def test_a_retry_after_is_limited_to_one_hour():
    decision = choose(
        outcome(Kind.TRANSIENT, retry_after=1e9), policy=RetryPolicy(total_seconds=1e9)
    )
    assert 3_600 <= decision.delay_seconds <= 3_602


def test_a_transient_refusal_is_settled_as_failed_once_the_budget_is_used_up():
    assert choose(outcome(Kind.TRANSIENT), history(8)) == Settle(State.FAILED, Reason.EXHAUSTED)


@pytest.mark.parametrize("kind", [Kind.ISSUED, Kind.PARTIAL])
def test_a_used_up_budget_keeps_issued_lines_when_another_was_not_processed(kind):
    lines = (LineOutcome("r-a", Kind.TRANSIENT, 10004, ""), LineOutcome("r-b", kind, 200, ""))
    assert choose(outcome(Kind.TRANSIENT, lines=lines), history(8)) == Settle(
        State.PARTIAL, Reason.EXHAUSTED
    )


@pytest.mark.parametrize(
    ("result", "past"),
    [
        (outcome(Kind.IN_DOUBT), history(8)),
        (outcome(Kind.IN_DOUBT), history(2, 1e9)),
        (outcome(Kind.IN_DOUBT, retry_is_conclusive=False), history(1)),
        (outcome(Kind.TRANSIENT), history(8, in_doubt_before=True)),
    ],
)
def test_a_job_that_may_have_reached_the_api_ends_in_doubt(result, past):
    assert choose(result, past) == Settle(State.IN_DOUBT, Reason.IN_DOUBT)


def test_a_used_up_limit_waits_for_its_next_window_if_the_campaign_defers_limits():
    result = outcome(Kind.FAILED, reason=Reason.LIMIT, message="Max limit for the DAYS is reached")
    decision = choose(result, history(defers_limits=True))
    assert (decision.counted, decision.because) == (False, "limit")
    assert 12 * 3600 <= decision.delay_seconds <= 12 * 3600 + 600


def test_a_limit_for_all_time_is_settled_at_once():
    result = outcome(
        Kind.FAILED, reason=Reason.LIMIT, message="Max limit for the NO_LIMIT is reached"
    )
    assert choose(result, history(defers_limits=True)) == Settle(State.FAILED, Reason.LIMIT)


def test_a_limit_is_deferred_at_most_three_times():
    result = outcome(Kind.FAILED, reason=Reason.LIMIT)
    decisions = [choose(result, history(defers_limits=True, limit_deferrals=n)) for n in range(5)]
    assert [isinstance(each, TryAgain) for each in decisions] == [True, True, True, False, False]
    assert decisions[3] == Settle(State.FAILED, Reason.LIMIT)


@pytest.mark.parametrize(
    ("refused_before", "is_useless"),
    [
        (None, False),
        (datetime(2026, 11, 23, 18, 29, tzinfo=UTC), False),  # 23:59 of the day before
        (datetime(2026, 11, 23, 18, 31, tzinfo=UTC), True),  # 00:01 of the brand's day
    ],
)
def test_a_deferral_that_brought_no_new_day_of_the_brand_is_not_counted(refused_before, is_useless):
    now = datetime(2026, 11, 24, 5, 30, tzinfo=KOLKATA)
    result = outcome(Kind.FAILED, reason=Reason.LIMIT)
    past = history(defers_limits=True, limit_deferrals=1, limit_refused_at=refused_before)
    decision = choose(result, past, now=now)
    assert (decision.replaces_deferral, decision.uses_deferral) == (is_useless, not is_useless)
    fourth = choose(result, replace(past, limit_deferrals=3), now=now)
    assert isinstance(fourth, TryAgain) is is_useless


def test_a_first_refusal_of_a_day_uses_up_a_deferral_although_an_older_budget_had_one():
    past = history(defers_limits=True, limit_deferrals=0, limit_refused_at=NOON)
    assert choose(outcome(Kind.FAILED, reason=Reason.LIMIT), past).uses_deferral


def test_only_limits_use_up_deferrals():
    assert not choose(outcome(Kind.TRANSIENT)).uses_deferral


def test_the_longest_limit_window_of_several_lines_counts():
    lines = tuple(
        LineOutcome(
            f"r-{unit}", Kind.FAILED, 12005, f"Max limit for the {unit} is reached", Reason.LIMIT
        )
        for unit in ("DAYS", "MONTHS", "WEEKS")
    )
    decision = choose(
        outcome(Kind.FAILED, reason=Reason.LIMIT, lines=lines), history(defers_limits=True)
    )
    # 1 December
    assert timedelta(days=7) < timedelta(seconds=decision.delay_seconds) < timedelta(days=8)


def test_other_refusals_are_not_deferred():
    result = outcome(Kind.FAILED, reason=Reason.FAILED)
    assert choose(result, history(defers_limits=True)) == Settle(State.FAILED, Reason.FAILED)


def test_a_transient_or_deferred_outcome_is_settled_as_failed():
    assert {kind: settled_state(kind) for kind in Kind} == {
        Kind.ISSUED: State.ISSUED,
        Kind.PARTIAL: State.PARTIAL,
        Kind.FAILED: State.FAILED,
        Kind.TRANSIENT: State.FAILED,
        Kind.IN_DOUBT: State.IN_DOUBT,
        Kind.DEFERRED: State.FAILED,
    }
