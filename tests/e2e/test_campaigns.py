"""Pause, resume, cancel and single requests while a blast is running."""

import time
from collections.abc import Iterator

import pytest

from issuance.states import State
from ledger.queries.outcomes import find_line
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows

_HALTED_WITHIN_SECONDS = 1.5
_WATCH_SECONDS = 1.0


@pytest.fixture
def slow(shared: System) -> Iterator[System]:
    """The shared system with a slow API."""
    with shared.switched(latency_seconds=0.3):
        yield shared


def _calls_of(system: System, campaign: str) -> int:
    truth = system.truth()
    return sum(
        truth[line.request_id]["calls"]
        for line in system.lines(campaign)
        if line.request_id in truth
    )


def _assert_no_call_arrives(system: System, campaign: str, halted_at: float) -> int:
    time.sleep(max(0.0, halted_at + _HALTED_WITHIN_SECONDS - time.monotonic()))
    calls = _calls_of(system, campaign)
    time.sleep(_WATCH_SECONDS)  # nothing to wait for: no call must arrive
    assert _calls_of(system, campaign) == calls
    return calls


def test_a_background_request_overtakes_a_running_blast(slow: System):
    slow.blast("long", plain_rows(300, area=20))
    await_that("the blast is under way", lambda: _calls_of(slow, "long"))
    asked = slow.command("issue", "--mobile", "919800219999", "--reward-id", "1001", "--wait")
    assert (asked.returncode, asked.stderr.split()[0]) == (0, "issued")
    assert slow.balance("long").unsettled > 150
    line = find_line(slow.ledger, asked.stdout.strip())
    assert line is not None
    assert line.state is State.ISSUED
    slow.simulator.post("/_switches", json={"latency_seconds": 0})
    slow.wait_settled("long")
    slow.wait_settled("background")


def test_a_paused_campaign_stops_calling_and_a_resumed_one_finishes(slow: System):
    slow.accept("paused", plain_rows(300, area=22))
    await_that("the blast is under way", lambda: _calls_of(slow, "paused"))
    paused = slow.command("campaign", "pause", "paused")
    assert paused.returncode == 0, paused.stderr
    calls = _assert_no_call_arrives(slow, "paused", time.monotonic())
    assert calls < 300
    slow.simulator.post("/_switches", json={"latency_seconds": 0})
    resumed = slow.command("campaign", "resume", "paused")
    assert resumed.returncode == 0, resumed.stderr
    assert slow.wait_settled("paused").counts[State.ISSUED] == 300


def test_a_cancelled_campaigns_unsent_lines_are_cancelled_and_never_reach_the_api(slow: System):
    slow.accept("ended", plain_rows(300, area=23))
    await_that("the blast is under way", lambda: _calls_of(slow, "ended"))
    cancelled = slow.command("campaign", "cancel", "ended")
    assert cancelled.returncode == 0, cancelled.stderr
    _assert_no_call_arrives(slow, "ended", time.monotonic())
    counts = slow.wait_settled("ended").counts
    assert counts[State.CANCELLED] > 0
    assert counts[State.CANCELLED] + counts[State.ISSUED] == 300
    truth = slow.truth()
    assert [
        line
        for line in slow.lines("ended")
        if line.state is State.CANCELLED and line.request_id in truth
    ] == []
    refused = slow.command("blast", str(slow.home / "ended.csv"), "--campaign", "ended")
    assert (refused.returncode, "choose another name" in refused.stderr) == (2, True)
