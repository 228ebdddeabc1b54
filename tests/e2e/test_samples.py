"""The sample file of each endpoint is issued in full, and both books agree on it."""

from pathlib import Path

import pytest

from issuance.states import State
from ledger.queries.outcomes import lines_of_job
from tests.e2e.system import System

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.mark.parametrize(
    ("variant", "name", "rewards"),
    [("single", "single.csv", 8), ("bulk", "bulk.csv", 8), ("connected", "connected.jsonl", 12)],
)
def test_every_reward_of_a_sample_is_issued(shared: System, variant: str, name: str, rewards: int):
    campaign = f"sample of {variant}"
    done = shared.command(
        *("blast", str(SAMPLES / name), "--campaign", campaign, "--errors", "sample.errors.csv"),
        ISSUANCE_API_VARIANT=variant,
    )
    assert done.returncode == 0, done.stderr
    counts = shared.wait_settled(campaign).counts
    assert counts[State.ISSUED] == rewards, [
        (line.reward_id, line.code, line.message) for line in shared.lines(campaign)
    ]
    again = shared.command(
        *("blast", str(SAMPLES / name), "--campaign", campaign), ISSUANCE_API_VARIANT=variant
    )
    assert f"0 accepted, {rewards} already known" in again.stderr + again.stdout


def test_a_reward_named_by_its_external_id_is_shown_by_it(shared: System):
    issued = shared.command(
        *("issue", "--mobile", "919800040001", "--reward-external-id", "SKU-1002", "--wait")
    )
    assert issued.returncode == 0, issued.stderr
    [line] = lines_of_job(shared.ledger, issued.stdout.strip())
    assert (line.reward_external_id, line.state) == ("SKU-1002", State.ISSUED)
