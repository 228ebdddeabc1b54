"""SIGKILL to every part, and a flushed broker, in the middle of a blast: it goes on by itself, the books balance."""

from collections.abc import Iterator

import pytest

from issuance.states import State
from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows
from tests.e2e.truth_file import wait_settled_over_lives

_QUEUE_KEY = "issuance:issuance.blast"  # the prefix of all our keys, and the queue's name


@pytest.fixture(scope="module")
def system(start_system: StartSystem) -> Iterator[System]:
    """One system for all of these tests: each of them finds it as the one before has left it."""
    settings = {
        "ISSUANCE_LEASE_SECONDS": "5",
        "ISSUANCE_API_MAX_CONCURRENT": "10",
        "ISSUANCE_RETRY_MAX_ATTEMPTS": "10",
        "SIMULATOR_LATENCY_SECONDS": "0.25",
        "SIMULATOR_NO_MAGIC_CUSTOMERS": "1",
    }
    with start_system(**settings) as started:
        yield started


def _begin(system: System, campaign: str, rows: int, *, area: int) -> None:
    before = system.calls()
    system.accept(campaign, plain_rows(rows, area=area))
    await_that("the blast is under way", lambda: system.calls() > before + 20)


def _await_more_calls(system: System, more: int) -> None:
    wanted = system.calls() + more
    await_that("the blast goes on", lambda: system.calls() >= wanted, 40.0)


def test_a_blast_survives_workers_killed_again_and_again(system: System):
    _begin(system, "killed", 350, area=70)
    for kill in (system.processes.kill_tree, system.processes.kill, system.processes.kill_tree):
        worker = kill("worker")
        system.processes.find_again(worker, "worker")
        _await_more_calls(system, 40)
    final = system.wait_settled("killed", 45)
    # Who was in the hands of all three is called poison and left to an operator; everybody else is issued.
    assert final.counts[State.ISSUED] + final.counts[State.IN_DOUBT] == 350
    assert final.counts[State.ISSUED] >= 250


def test_a_blast_survives_a_killed_release_process_and_a_killed_beat(system: System):
    _begin(system, "unreleased", 150, area=71)
    killed = {name: system.processes.kill(name) for name in ("release", "beat", "background-worker")}
    for name, process in killed.items():
        system.processes.find_again(process, name)
    assert system.wait_settled("unreleased", 30).counts[State.ISSUED] == 150
    # Both are back at work: this needs a release, and nobody nudges for the second attempt but beat.
    asked = system.command("issue", "--mobile", "919800719999", "--reward-id", "1001", "--wait")
    assert asked.returncode == 0, asked.stderr


def test_a_flushed_broker_loses_no_job(system: System):
    _begin(system, "flushed", 200, area=72)
    assert system.broker.llen(_QUEUE_KEY) > 0
    system.broker.flushall()
    assert system.wait_settled("flushed", 30).counts[State.ISSUED] == 200


def test_a_killed_broker_is_started_again_and_loses_no_job(system: System):
    _begin(system, "brokerless", 200, area=73)
    broker = system.processes.kill("broker")
    system.processes.find_again(broker, "broker")
    assert system.wait_settled("brokerless", 40).counts[State.ISSUED] == 200


def test_a_killed_api_is_called_again_and_what_it_issued_is_known(system: System):
    _begin(system, "apiless", 200, area=74)
    simulator = system.processes.kill("simulator")
    system.processes.find_again(simulator, "simulator")
    assert wait_settled_over_lives(system, "apiless", 40).counts[State.ISSUED] == 200
