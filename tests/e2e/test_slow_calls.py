"""Slow calls occupy only their own slot and customer; other calls continue."""

import signal
import time
from collections.abc import Iterator

import pytest

from issuance.states import State
from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows

_TIMEOUT_SECONDS = 20.0
_LEASE_SECONDS = 45.0
_SOON_SECONDS = 12.0
"""Well below the timeout, also on a busy machine."""
_SLOW = {"kind": "latency", "seconds": 14}
"""A slow call that ends before its timeout, and long after the others."""


@pytest.fixture(scope="module")
def system(start_system: StartSystem) -> Iterator[System]:
    """A system with a long call timeout and a longer lease."""
    settings = {
        "ISSUANCE_API_TIMEOUT_SECONDS": f"{_TIMEOUT_SECONDS:g}",
        "ISSUANCE_LEASE_SECONDS": f"{_LEASE_SECONDS:g}",
        "SIMULATOR_NO_MAGIC_CUSTOMERS": "1",
    }
    with start_system(**settings) as started:
        yield started


def _blast(
    system: System,
    name: str,
    rows: list[dict[str, object]],
    fault: dict[str, object],
    slow: tuple[int, ...],
) -> None:
    """Accept a blast; the first call of the rows at `slow` meets a fault."""
    chosen = [str(rows[place]["mobile"]) for place in slow]
    system.plan_faults({"customers": {mobile: [fault] for mobile in chosen}})
    system.accept(name, rows)


def _issued(system: System, name: str) -> int:
    return system.balance(name).counts[State.ISSUED]


def test_two_hanging_calls_delay_none_of_500_others(system: System):
    hang = {"kind": "timeout_after_commit", "hold_seconds": 2 * _TIMEOUT_SECONDS}
    began = time.monotonic()
    _blast(system, "hung", plain_rows(500, area=60), hang, slow=(125, 375))
    await_that("all others are issued", lambda: _issued(system, "hung") == 498, _SOON_SECONDS)
    assert time.monotonic() - began < _TIMEOUT_SECONDS
    assert system.wait_settled("hung", 60).counts[State.ISSUED] == 500


def test_a_killed_childs_slow_call_is_repeated_at_once_and_issues_once(
    system: System,
):
    hang = {"kind": "timeout_after_commit", "hold_seconds": 2 * _TIMEOUT_SECONDS}
    _blast(system, "killed", plain_rows(60, area=61), hang, slow=(30,))
    await_that("all others are issued", lambda: _issued(system, "killed") == 59, _SOON_SECONDS)
    for child in system.processes.children("worker"):
        child.kill()
    await_that("the last is issued", lambda: _issued(system, "killed") == 60, _SOON_SECONDS)
    assert system.wait_settled("killed").counts[State.ISSUED] == 60
    assert sum(entry["issued"] > 1 for entry in system.truth().values()) == 0


def test_a_stopping_worker_records_its_slow_call_first(system: System):
    _blast(system, "stopped", plain_rows(60, area=62), _SLOW, slow=(30,))
    await_that("all others are issued", lambda: _issued(system, "stopped") == 59, _SOON_SECONDS)
    worker = system.processes.kill("worker", signal.SIGTERM)
    worker.wait(_TIMEOUT_SECONDS)
    assert _issued(system, "stopped") == 60
    assert {line.attempts for line in system.lines("stopped")} == {1}
    system.processes.find_again(worker, "worker")
    system.wait_settled("stopped")


def test_a_stopping_child_records_its_slow_call_first(system: System):
    _blast(system, "ended", plain_rows(60, area=63), _SLOW, slow=(30,))
    await_that("all others are issued", lambda: _issued(system, "ended") == 59, _SOON_SECONDS)
    for child in system.processes.children("worker"):
        child.terminate()
    await_that("the last is issued", lambda: _issued(system, "ended") == 60, _TIMEOUT_SECONDS)
    assert {line.attempts for line in system.lines("ended")} == {1}
    system.wait_settled("ended")
