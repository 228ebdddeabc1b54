"""Adaptive limit and suspension of a running system, observed at the API."""

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from issuance.states import State
from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows

_PER_SECOND = 40
_RATE = 60 * _PER_SECOND
_WATCH_SECONDS = 6


@pytest.fixture(scope="module")
def system(start_system: StartSystem) -> Iterator[System]:
    settings = {
        "ISSUANCE_API_RATE_PER_MINUTE": str(_RATE),
        "ISSUANCE_RETRY_MAX_ATTEMPTS": "12",
        "ISSUANCE_API_TIMEOUT_SECONDS": "10",
        "ISSUANCE_LEASE_SECONDS": "20",
        "SIMULATOR_NO_MAGIC_CUSTOMERS": "1",
    }
    with start_system(**settings) as started:
        yield started


def test_after_an_outage_calls_return_gradually_and_nothing_is_lost(system: System):
    system.accept("outage", plain_rows(250, area=82))
    await_that("the blast is under way", lambda: system.calls() > _PER_SECOND)
    system.plan_faults({"rates": {"503": 1.0}})
    await_that("the account is suspended", lambda: _field(system, "suspended_since"))
    system.simulator.delete("/_faults").raise_for_status()
    await_that("a probe is answered", lambda: not _field(system, "suspended_since"))
    seconds = [_calls_in_a_second(system) for _ in range(_WATCH_SECONDS)]
    assert seconds[0] <= _PER_SECOND * 0.75
    # Each second has at most about twice the calls of the one before.
    assert all(later <= 2 * sooner + _PER_SECOND / 4 for sooner, later in pairwise(seconds))
    assert max(seconds) >= _PER_SECOND * 0.75
    assert system.wait_settled("outage", 40).counts[State.ISSUED] == 250
    *_, suspended = system.events("worker", "account_suspended")
    assert suspended["reason"].startswith("HTTP 503")


def test_a_lower_limit_is_tried_on_a_slow_api_and_dropped_if_it_does_not_help(
    system: System,
):
    system.command("limits", "set", "default")
    system.accept("slow", plain_rows(600, area=83))
    await_that(
        "the blast is under way", lambda: system.balance("slow").counts[State.ISSUED] > _PER_SECOND
    )
    with system.switched(latency_seconds=3.0):
        await_that("fewer calls are tried", lambda: _field(system, "limit_reason") == "latency")
        await_that("the trial ends without effect", lambda: _field(system, "latency_until"))
    await_that("the limit is gone", lambda: _field(system, "limit") is None)
    assert system.wait_settled("slow").counts[State.ISSUED] == 600


def _field(system: System, name: str) -> str | None:
    (key,) = system.redis.keys("issuance:*:limits")
    found = system.redis.hget(key, name)
    return None if found is None else str(found)


def _calls_in_a_second(system: System) -> int:
    before, began = system.calls(), time.monotonic()
    time.sleep(1)  # the window over which calls are counted
    return round((system.calls() - before) / (time.monotonic() - began))
