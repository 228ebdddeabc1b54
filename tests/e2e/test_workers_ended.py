"""Workers that end in the middle of a chunk, where no lease may have to lapse: a killed child, a SIGTERM."""

import signal
from collections.abc import Iterator

import pytest

from issuance.states import State
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows

_ISSUED_AGAIN_SECONDS = 20.0
"""Far below the shared system's lease of 90 s, and enough for a busy machine."""


@pytest.fixture
def slow(shared: System) -> Iterator[System]:
    with shared.switched(latency_seconds=0.5):
        yield shared


def _under_way(system: System, campaign: str, area: int) -> None:
    """Begin a blast of two chunks, and wait until both children of the worker have one."""
    before = system.calls()
    system.accept(campaign, plain_rows(100, area=area))
    await_that("both chunks are in hand", lambda: system.calls() >= before + 8)
    assert system.balance(campaign).counts[State.RUNNING] > 50


def test_the_chunk_of_a_killed_child_goes_on_at_once_long_before_its_lease(slow: System):
    since = slow.log_size("release")
    _under_way(slow, "orphaned", area=30)
    slow.processes.children("worker")[0].kill()
    slow.simulator.post("/_switches", json={"latency_seconds": 0})
    slow.wait_settled("orphaned", _ISSUED_AGAIN_SECONDS)
    assert slow.balance("orphaned").counts[State.ISSUED] == 100
    truth = slow.truth()
    assert any(truth[line.request_id]["calls"] > 1 for line in slow.lines("orphaned")), "nothing was in its hands"
    assert slow.events("release", "leases lapsed", since=since) == []


def test_a_worker_told_to_stop_gives_back_what_it_has_not_sent_and_no_lease_has_to_lapse(slow: System):
    since = slow.log_size("release"), slow.log_size("worker")
    _under_way(slow, "relieved", area=31)
    worker = slow.processes.kill("worker", signal.SIGTERM)
    slow.processes.find_again(worker, "worker")
    died = [event for event in slow.supervisor_events("process died") if event["process"] == "worker"]
    assert died[-1]["status"] == 0
    slow.simulator.post("/_switches", json={"latency_seconds": 0})
    slow.wait_settled("relieved", _ISSUED_AGAIN_SECONDS)
    assert slow.balance("relieved").counts[State.ISSUED] == 100
    given_back = slow.events("worker", "given back", since=since[1])
    assert {event["because"] for event in given_back} == {"the worker is stopping"}
    assert slow.events("release", "leases lapsed", since=since[0]) == []
