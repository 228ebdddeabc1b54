"""Health on real processes: a stall is detected and named with its remedy, until it ends."""

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from issuance.states import State
from ledger.campaigns import ensure_campaign
from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows


def _health(system: System) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(system.command("health", "--json").stdout)
    return found


@pytest.fixture(scope="module")
def system(start_system: StartSystem) -> Iterator[System]:
    with start_system(ISSUANCE_HEALTH_STALL_SECONDS="2") as started:
        yield started


def test_workers_that_respond_but_do_no_work_are_reported_as_a_stall(system: System):
    await_that("the system is healthy", lambda: _health(system)["healthy"], 30)
    children = system.processes.children("worker")
    for child in children:
        child.send_signal(signal.SIGSTOP)
    system.accept("stalled", plain_rows(20, area=62))
    health = await_that("the stall is seen", lambda: _problems(system).get("progress"), 30)
    assert "blast work has been due for" in health["cause"]
    assert "restart `worker`" in health["remedy"]
    assert set(_problems(system)) == {"progress"}, "the processes themselves are all alive"
    assert httpx.get(system.running.health_url + "?only=progress", timeout=20).status_code == 503
    assert system.command("health", "--only", "progress").returncode == 1
    for child in children:
        child.send_signal(signal.SIGCONT)
    assert system.wait_settled("stalled", 30).counts[State.ISSUED] == 20
    await_that("the system is healthy again", lambda: _health(system)["healthy"], 30)


def _problems(system: System) -> dict[str, dict[str, str]]:
    return {problem["part"]: problem for problem in _health(system)["problems"]}


def test_a_paused_campaign_is_no_stall_and_a_lost_broker_is_the_only_problem(system: System):
    ensure_campaign(system.ledger, "paused")
    assert system.command("campaign", "pause", "paused").returncode == 0
    system.accept("paused", plain_rows(12, area=64))
    await_that("its work has been due for a while", lambda: _due_seconds(system) > 4)
    assert _health(system)["healthy"]
    broker = system.processes.find("broker")
    broker.suspend()
    try:
        assert set(_problems(system)) == {"broker", "limits"}
    finally:
        broker.resume()
    await_that("the system is healthy again", lambda: _health(system)["healthy"], 60)


def _due_seconds(system: System) -> float:
    oldest = system.balance("paused").oldest_due
    return 0.0 if oldest is None else (datetime.now(UTC) - oldest).total_seconds()
