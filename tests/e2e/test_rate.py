"""The account's limits, observed at the API: rate, shares of campaigns, wait after a 429."""

import time
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from issuance.states import State
from ledger.audit_log import Operator
from ledger.campaigns import ensure_campaign, pause_campaign, resume_campaign, weigh_campaign
from ledger.store.schema import attempts, campaigns, jobs
from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows

_PER_SECOND = 10
_WATCH_SECONDS = 10
_WEIGHTS = {"heavy": 3, "light": 1}
_SHARED_PER_SECOND = 20
_SHARED_SECONDS = 13
_RETRY_AFTER_SECONDS = 4


@pytest.fixture(scope="module")
def system(start_system: StartSystem) -> Iterator[System]:
    """Ten calls a second and one attempt per job: a job that lost it to the limits would fail."""
    settings = {
        "ISSUANCE_API_RATE_PER_MINUTE": str(_PER_SECOND * 60),
        "ISSUANCE_RETRY_MAX_ATTEMPTS": "1",
        "SIMULATOR_NO_MAGIC_CUSTOMERS": "1",
    }
    with start_system(**settings) as started:
        yield started


def test_the_api_sees_the_configured_rate_and_no_job_loses_an_attempt(system: System):
    system.accept("even", plain_rows(125, area=80))
    await_that("the first call", system.calls)
    began, before = time.monotonic(), system.calls()
    time.sleep(_WATCH_SECONDS)  # the window over which the rate is measured
    calls = (system.calls() - before) / (time.monotonic() - began) * _WATCH_SECONDS
    even = _PER_SECOND * _WATCH_SECONDS
    assert 0.9 * even <= calls <= even + _PER_SECOND
    assert system.wait_settled("even").counts[State.ISSUED] == 125


def test_after_a_429_only_its_job_waits_and_no_attempt_is_used_up(
    system: System,
):
    limited_before = _limited(system)
    system.accept("throttled", plain_rows(45, area=81))
    await_that("the blast is under way", lambda: system.balance("throttled").counts[State.ISSUED])
    fault = {"kind": "429", "retry_after_seconds": _RETRY_AFTER_SECONDS}
    system.plan_faults({"next": [{"fault": fault}]})
    await_that("the 429", lambda: _limited(system) > limited_before)
    limited_at, calls = time.monotonic(), system.calls()
    await_that("others are called", lambda: system.calls() >= calls + _PER_SECOND)
    assert time.monotonic() - limited_at < _RETRY_AFTER_SECONDS
    assert system.wait_settled("throttled").counts[State.ISSUED] == 45
    assert sorted(line.attempts for line in system.lines("throttled")) == [1] * 44 + [2]
    waits = [later - sooner for sooner, later in _repeated_calls(system, "throttled")]
    assert waits == [
        pytest.approx(_RETRY_AFTER_SECONDS * 1_250, abs=_RETRY_AFTER_SECONDS * 250 + 1_500)
    ]
    assert waits[0] >= _RETRY_AFTER_SECONDS * 1_000


def _repeated_calls(system: System, campaign: str) -> list[tuple[int, int]]:
    """First and last call of each job that was called twice, in milliseconds."""
    query = (
        select(func.min(attempts.c.started_at), func.max(attempts.c.started_at))
        .join(jobs, jobs.c.number == attempts.c.job_number)
        .join(campaigns, campaigns.c.id == jobs.c.campaign_id)
        .where(campaigns.c.name == campaign)
        .group_by(attempts.c.job_number)
        .having(func.count() == 2)
    )
    with system.ledger.read() as connection:
        return [(sooner, later) for sooner, later in connection.execute(query)]


def test_campaigns_share_the_rate_by_weight_over_any_ten_seconds(system: System):
    operator, in_all = Operator("asha"), _SHARED_PER_SECOND * _SHARED_SECONDS
    assert system.command("limits", "set", str(_SHARED_PER_SECOND * 60)).returncode == 0
    for area, (name, weight) in enumerate(_WEIGHTS.items(), start=82):
        ensure_campaign(system.ledger, name)
        weigh_campaign(system.ledger, name, weight, operator)
        pause_campaign(system.ledger, name, operator)
        system.accept(name, plain_rows(in_all * weight // 4 + _SHARED_PER_SECOND, area=area))
    for name in _WEIGHTS:
        resume_campaign(system.ledger, name, operator)
    await_that("both have made enough calls", lambda: len(_starts(system)) > in_all)
    starts = _starts(system)[_SHARED_PER_SECOND:in_all]  # the first calls are a burst
    first, last = starts[0][0], starts[-1][0]
    assert last - first > _WATCH_SECONDS * 1_000
    for since in range(first, last - _WATCH_SECONDS * 1_000, 100):
        shared = Counter(
            name for at, name in starts if since <= at < since + _WATCH_SECONDS * 1_000
        )
        for name, weight in _WEIGHTS.items():
            assert shared[name] == pytest.approx(shared.total() * weight / 4, rel=0.1), (
                since - first,
                shared,
            )
    for name in _WEIGHTS:
        system.wait_settled(name)


def _starts(system: System) -> list[tuple[int, str]]:
    """Start (ms) and campaign of each call of the weighted campaigns."""
    query = (
        select(attempts.c.started_at, campaigns.c.name)
        .join(jobs, jobs.c.number == attempts.c.job_number)
        .join(campaigns, campaigns.c.id == jobs.c.campaign_id)
        .where(campaigns.c.name.in_(_WEIGHTS))
        .order_by(attempts.c.started_at)
    )
    with system.ledger.read() as connection:
        return [(row.started_at, row.name) for row in connection.execute(query)]


def _limited(system: System) -> int:
    return int(system.summary()["callsByHttpStatus"].get("429", 0))
