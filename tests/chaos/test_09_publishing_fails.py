"""The broker dies during a release, when some chunks are published and others are not."""

import signal
import time

from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos, Hazard

_JOBS = 600
"""At least a dozen chunks: publishing them takes long enough to interrupt."""
_TRIES = 10
_RELEASED_SECONDS = 20.0


def test_chunks_whose_publishing_failed_half_way_are_published_later(
    chaos: Chaos, hazard: BeginHazard
):
    with hazard(9, "broker killed while chunks are published") as run:
        for _ in run.rounds:
            assert any(_break_a_release(chaos, run) for _ in range(_TRIES))


def _break_a_release(chaos: Chaos, run: Hazard) -> bool:
    """Kill the broker when it has the first chunk; returns whether the release had more."""
    since = chaos.system.log_size("release")
    run.blast(max(_JOBS, chaos.scale.jobs))
    until = time.monotonic() + _RELEASED_SECONDS
    # no sleep: it would outlast the rest of the release
    while not chaos.broker.queued():
        assert time.monotonic() < until
    chaos.broker.stop(signal.SIGKILL)
    run.strike()
    with run.recovery("the blast continues", run.progresses):
        chaos.broker.start()
    run.wait_settled()
    return bool(chaos.system.events("release", "broker_unavailable", since=since))
