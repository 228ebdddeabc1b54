"""The API account's limits, seen from the API: its rate, and silence after a 429."""

import time
from collections.abc import Iterator

import pytest

from issuance.states import State
from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows

_PER_SECOND = 10
_WATCH_SECONDS = 10
_RETRY_AFTER_SECONDS = 4
_RESERVED_AHEAD_SECONDS = 1.25
"""Calls whose slot was reserved before the 429 may still leave, a second ahead and the way to the API."""


@pytest.fixture(scope="module")
def system(start_system: StartSystem) -> Iterator[System]:
    """Ten calls a second, and one attempt a job: whoever lost it to the rate or to a 429 would fail."""
    settings = {
        "ISSUANCE_API_RATE_PER_MINUTE": str(_PER_SECOND * 60),
        "ISSUANCE_RETRY_MAX_ATTEMPTS": "1",
        "SIMULATOR_NO_MAGIC_CUSTOMERS": "1",
    }
    with start_system(**settings) as started:
        yield started


def test_the_api_sees_the_rate_that_was_set_and_nobody_loses_an_attempt_to_it(system: System):
    system.accept("even", plain_rows(125, area=80))
    await_that("the first call", system.calls)
    began, before = time.monotonic(), system.calls()
    time.sleep(_WATCH_SECONDS)  # the window over which the rate is told
    calls = (system.calls() - before) / (time.monotonic() - began) * _WATCH_SECONDS
    even = _PER_SECOND * _WATCH_SECONDS
    assert 0.9 * even <= calls <= even + _PER_SECOND
    assert system.wait_settled("even").counts[State.ISSUED] == 125


def test_after_a_429_nobody_calls_until_its_time_is_over_and_no_attempt_is_used_up(system: System):
    limited_before = _limited(system)
    system.accept("closed", plain_rows(45, area=81))
    await_that("the blast is under way", lambda: system.balance("closed").counts[State.ISSUED])
    fault = {"kind": "429", "retry_after_seconds": _RETRY_AFTER_SECONDS}
    system.plan_faults({"next": [{"fault": fault}]})
    await_that("the 429", lambda: _limited(system) > limited_before)
    closed_at = time.monotonic()
    time.sleep(_RESERVED_AHEAD_SECONDS)
    calls = system.calls()
    time.sleep(closed_at + _RETRY_AFTER_SECONDS - 0.5 - time.monotonic())
    assert system.calls() == calls
    assert system.wait_settled("closed").counts[State.ISSUED] == 45
    assert sorted(line.attempts for line in system.lines("closed")) == [1] * 44 + [2]


def _limited(system: System) -> int:
    return int(system.summary()["callsByHttpStatus"].get("429", 0))
