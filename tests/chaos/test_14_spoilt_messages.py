"""Messages that no worker can read: an unknown task, broken JSON, pickle."""

import signal

from issuance.states import State
from tests.chaos.chaos_system import LEASE_SECONDS
from tests.chaos.conftest import BeginHazard
from tests.chaos.hazard import Chaos
from tests.e2e.processes import await_that

_LOGGED = ("issuance.of_tomorrow", "JSONDecodeError", "untrusted content")


def test_unreadable_messages_are_logged_and_their_jobs_released_again(
    chaos: Chaos, hazard: BeginHazard
):
    with hazard(14, "message spoilt (unknown task, broken JSON, pickle)") as run:
        for _ in run.rounds:
            since = chaos.system.log_size("worker")
            worker = chaos.processes.kill("worker", signal.SIGSTOP)
            try:
                run.blast(300)
                await_that(
                    "chunks wait in the broker", lambda: chaos.broker.queued() >= len(_LOGGED)
                )
                run.strike(chaos.broker.spoil_queued())
            finally:
                worker.send_signal(signal.SIGCONT)
            with run.recovery(
                "the lost chunks are released again", lambda: run.moves(State.QUEUED)
            ):
                pass
            logged = list(map(str, chaos.system.log_entries("worker", since=since)))
            assert [what for what in _LOGGED if not any(what in entry for entry in logged)] == []
        assert max(run.record.recovered) < LEASE_SECONDS + 2
