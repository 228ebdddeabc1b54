"""Two beats, two releases and two operators at the same time."""

import time
from concurrent.futures import ThreadPoolExecutor

from issuance.states import State
from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos
from tests.e2e.system import plain_rows

_REFUSED = 10
_RELEASES = 3
_BOTH_WAIT_SECONDS = 8.0
_DONE = f"{_REFUSED} dead letters queued again with new requestIds, 0 refused"
_NOTHING_LEFT = ("Error: Plan ", "Error: No open dead letter fits")


def test_two_beats_and_two_redrives_at_once_have_the_effect_of_one(
    chaos: Chaos, hazard: BeginHazard
):
    with (
        hazard(17, "two beats, two releases, two redrives at once") as run,
        chaos.another("beat", "release"),
    ):
        for number in run.rounds:
            refused = plain_rows(_REFUSED, area=9_000 + number)
            fault = [{"kind": "outcome", "code": 8003}]
            chaos.system.plan_faults({"customers": {row["mobile"]: fault for row in refused}})
            name = run.blast(first=refused)
            run.strike(_RELEASES)
            run.wait_settled()
            assert chaos.system.balance(name).counts[State.FAILED] == _REFUSED
            _redrive_twice_at_once(chaos, name)
            run.strike()
            run.wait_settled()
            assert (
                chaos.system.balance(name).counts[State.ISSUED] == run.chaos.scale.jobs + _REFUSED
            )
        # no job was called for twice
        assert chaos.system.calls() == run.record.jobs + _REFUSED * len(run.rounds)


def _redrive_twice_at_once(chaos: Chaos, name: str) -> None:
    def redrive(_: int) -> str:
        redriven = (
            "dead-letters",
            "redrive",
            "--campaign",
            name,
            "--reissue",
            "--note",
            "mended",
            "--yes",
        )
        done = chaos.system.command(*redriven)
        said = [line for line in done.stdout.splitlines() if "dead letters" in line]
        return (said or [done.stderr])[-1]

    with ThreadPoolExecutor(2) as both:
        with chaos.ledger.locked():
            # Time for both to read the open letters before either can write.
            said = both.map(redrive, range(2))
            time.sleep(_BOTH_WAIT_SECONDS)
        nothing, done = sorted(said, key=lambda words: words.startswith(_DONE))
    assert done.startswith(_DONE), done
    assert nothing.startswith(_NOTHING_LEFT), nothing
