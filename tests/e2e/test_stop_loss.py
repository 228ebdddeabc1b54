"""The stop-loss with real processes: a dead reward's calls end, and the other reward's continue."""

import json
from collections.abc import Iterator

import pytest

from issuance.states import CampaignState, State
from ledger.campaigns import find_campaign
from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows

_GOOD, _DEAD = 1001, 9999
_PER_MINUTE = 6_000
_MOST = 25 + _PER_MINUTE // 60
"""A loose bound for busy machines: 25 answers and a second of calls.

It shows that the calls end, not that 25 answers are enough: recording lags behind answers."""


@pytest.fixture(scope="module")
def fast(start_system: StartSystem) -> Iterator[System]:
    """A system at 6,000 calls a minute, with chunks of many jobs."""
    settings = {
        "ISSUANCE_API_RATE_PER_MINUTE": str(_PER_MINUTE),
        "ISSUANCE_API_RATE_ADAPTS": "false",
        "ISSUANCE_CHUNK_MAX_JOBS": "500",
        "ISSUANCE_LEASE_SECONDS": "60",
        "ISSUANCE_WORKERS": "2",
    }
    with start_system(**settings) as system:
        yield system


def _await_state(system: System, campaign: str, state: CampaignState) -> None:
    """Wait for a campaign's state, and until none of its jobs is queued or under way."""

    def is_there() -> bool:
        counts = system.balance(campaign).counts
        return find_campaign(system.ledger, campaign).state is state and not (
            counts.get(State.QUEUED) or counts.get(State.RUNNING)
        )

    await_that(f"{campaign} is {state}", is_there, 90)


def _calls(system: System, campaign: str, reward: int) -> int:
    """How many of a reward's lines have an answer."""
    return sum(
        line.state is not State.WAITING and line.state is not State.CANCELLED
        for line in system.lines(campaign)
        if line.reward_id == reward
    )


@pytest.mark.processes
def test_the_calls_of_a_dead_reward_end_after_a_few_answers(fast: System, record_property):
    before = fast.calls()
    fast.blast("dead", plain_rows(3_000, area=90, reward=_DEAD))
    _await_state(fast, "dead", CampaignState.STOPPED)
    called = fast.calls() - before
    record_property("answers", called)
    assert 20 <= called <= _MOST


@pytest.mark.processes
def test_only_the_dead_reward_of_two_stops_and_an_operator_leaves_it_out(
    fast: System, record_property
):
    good, dead = plain_rows(1_500, area=91), plain_rows(1_500, area=92, reward=_DEAD)
    fast.blast("mixed", [row for pair in zip(good, dead, strict=True) for row in pair])
    _await_state(fast, "mixed", CampaignState.STOPPED)
    called = _calls(fast, "mixed", _DEAD)
    record_property("answers", called)
    assert 20 <= called <= _MOST
    assert _calls(fast, "mixed", _GOOD) == 1_500
    status = json.loads(fast.command("status", "mixed", "--json").stdout)
    assert [stop["reward"] for stop in status["stops"]] == [str(_DEAD)]
    resumed = fast.command("campaign", "resume", "mixed", "--without-reward", str(_DEAD))
    assert resumed.returncode == 0, resumed.stderr
    _await_state(fast, "mixed", CampaignState.FINISHED)
    counts = fast.balance("mixed").counts
    assert counts[State.FAILED] == called
    assert counts[State.CANCELLED] == 1_500 - called
