"""Closing a campaign that a running system issued: crash, differences, statement."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256

import pytest
from sqlalchemy import select

from ledger.audit_log import actions_on, campaign_target
from ledger.campaigns import find_campaign
from ledger.store.schema import verifications
from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that
from tests.e2e.system import System

_ROWS = 400


@pytest.fixture(scope="module")
def system(start_system: StartSystem) -> Iterator[System]:
    # 50 calls a second: a comparison of all lines takes a while.
    with start_system(
        "--simulator", "--no-flower", "--no-web", ISSUANCE_API_RATE_PER_MINUTE="3000"
    ) as running:
        yield running


def _issued(system: System, campaign: str, area: int) -> list[int]:
    """Issue the campaign's rows; returns their transactions."""
    rows = [{"mobile": f"9196{area:02d}{n:06d}", "rewardId": 1001} for n in range(_ROWS)]
    system.accept(campaign, rows)
    system.wait_settled(campaign, 60)
    state = "finished"
    await_that("it is finished", lambda: system.status(campaign)["state"] == state)
    return [int(line.transaction_ids[0]) for line in system.lines(campaign)]


def _checked(system: System, campaign: str) -> int:
    query = select(verifications.c.checked).where(
        verifications.c.campaign_id == find_campaign(system.ledger, campaign).id
    )
    with system.ledger.read() as connection:
        return connection.scalar(query) or 0


def test_a_killed_comparison_continues_and_finds_what_differs(system: System):
    transactions = _issued(system, "closing", 1)
    for number in (transactions[7], transactions[_ROWS - 3]):
        system.simulator.post(f"/_transactions/{number}", json={"hidden": True})
    command = [sys.executable, "-m", "console", "campaign", "close", "closing", "--verify", "all"]
    process = subprocess.Popen(
        command,
        cwd=system.home,
        env=system.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    await_that("a page is recorded", lambda: _checked(system, "closing"))
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    before = _checked(system, "closing")
    assert 0 < before < _ROWS
    calls = system.summary()["readCalls"]
    done = system.command("campaign", "close", "closing", "--verify", "all")
    assert (done.returncode, "2 lines differ." in done.stdout) == (1, True), done.stderr
    # Two reads for each line that was left, a third for those that differ, which are read again.
    assert system.summary()["readCalls"] - calls <= 2 * (_ROWS - before) + 2 + 2 * 3
    signed = system.command(
        "campaign", "close", "closing", "--verify", "all", "--note", "two are missing"
    )
    assert signed.returncode == 0, signed.stderr
    statement = system.command("campaign", "statement", "closing", "--json").stdout
    found = json.loads(statement)["verification"]
    assert (found["compared"], found["findingsByKind"]) == (_ROWS, {"missing": 2})
    entry = actions_on(system.ledger, campaign_target("closing"))[-1]
    assert sha256(statement.encode()).hexdigest() in entry.after
    assert system.status("closing")["state"] == "closed"


def test_frequent_differences_are_found_in_a_sample(system: System):
    for number in _issued(system, "sampled", 2)[::10]:
        system.simulator.post(f"/_transactions/{number}", json={"units": 2})
    done = system.command("campaign", "close", "sampled")
    assert done.returncode == 1, done.stderr
    assert "of the sample differ: at 95 % confidence at most" in done.stdout
    assert "the API shows another number of units" in done.stdout


def test_a_closed_campaign_stays_closed_while_others_run(system: System):
    _issued(system, "ended", 3)
    assert system.command("campaign", "close", "ended", "--verify", "none").returncode == 0
    again = [{"mobile": "919603999999", "rewardId": 1001}]
    path = system.write_file("ended", again)
    refused = system.command("blast", str(path), "--campaign", "ended")
    assert (refused.returncode, "was closed" in refused.stderr) == (2, True)
    system.accept("another", [{"mobile": "919603888888", "rewardId": 1001}])
    system.wait_settled("another")
    assert system.status("ended")["state"] == "closed"
    assert system.command("health").returncode == 0


def test_connected_organisations_are_compared_too(shared: System):
    """With OAuth and a data scope: other reads, and other ids."""
    rows = [{"mobile": f"91960400{n:04d}", "rewardId": 1001, "quantity": 2} for n in range(30)]
    shared.accept("closed-connected", rows)
    shared.wait_settled("closed-connected")
    done = shared.command("campaign", "close", "closed-connected", "--verify", "all")
    assert (done.returncode, done.stderr) == (0, "")
    assert "closed. No line differs." in done.stdout
