"""Messages that no worker understands: an unknown task, broken JSON, pickle."""

import signal

from issuance.states import State
from tests.chaos.chaos_system import LEASE_SECONDS
from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos
from tests.e2e.processes import await_that

_NOTICED = ("issuance.of_tomorrow", "JSONDecodeError", "untrusted content")


def test_spoilt_messages_are_noticed_and_their_jobs_are_released_again(
    chaos: Chaos, hazard: BeginHazard
):
    with hazard(14, "message spoilt (unknown task, broken JSON, pickle)") as run:
        for _ in run.rounds:
            since = chaos.system.log_size("worker")
            worker = chaos.processes.kill("worker", signal.SIGSTOP)
            try:
                run.blast(300)
                await_that(
                    "chunks wait in the broker", lambda: chaos.broker.queued() >= len(_NOTICED)
                )
                run.strike(chaos.broker.spoil_queued())
            finally:
                worker.send_signal(signal.SIGCONT)
            with run.recovery(
                "the lost chunks are released again", lambda: run.moves(State.QUEUED)
            ):
                pass
            told = list(map(str, chaos.system.told("worker", since=since)))
            assert [what for what in _NOTICED if not any(what in event for event in told)] == []
        assert max(run.record.recovered) < LEASE_SECONDS + 2
