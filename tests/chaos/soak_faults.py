"""The faults of a soak; each has ended when its function returns."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psutil

from tests.chaos.hazard import Chaos

HELD_SECONDS = 3.0
_REPLIES = {
    "reset_after_commit": 0.03,
    "reset_before": 0.03,
    "502_html": 0.03,
    "truncated_json_after_commit": 0.02,
}
_SPOILT_SECONDS = 5.0
OF_WHOLE_WORKERS = ("worker killed", "worker stopped (SIGTERM)")
"""The faults that end a worker with all its children."""


def soak_faults(chaos: Chaos) -> dict[str, Callable[[], object]]:
    """All faults by name."""
    return {
        "worker's youngest child killed": lambda: _kill_youngest_child(chaos),
        "worker killed": lambda: _replaced(chaos, chaos.processes.kill_tree("worker")),
        "worker stopped (SIGTERM)": lambda: _replaced(
            chaos, chaos.processes.kill("worker", signal.SIGTERM)
        ),
        "broker killed and restarted": lambda: _restart(chaos),
        "broker frozen for 3 s": lambda: _held(chaos.broker.frozen()),
        "broker emptied": chaos.broker.flush,
        "broker's connections cut": chaos.broker.cut_connections,
        "ledger away for 3 s": lambda: _held(chaos.ledger.away()),
        "API frozen for 3 s": lambda: _held(_frozen(chaos)),
        "replies lost, spoilt or refused for 5 s": lambda: _spoil(chaos),
    }


def _kill_youngest_child(chaos: Chaos) -> None:
    # The older ones live long enough to show whether they grow.
    max(chaos.processes.children("worker"), key=psutil.Process.create_time).kill()


def _replaced(chaos: Chaos, worker: psutil.Process) -> None:
    chaos.processes.find_again(worker, "worker")


def _restart(chaos: Chaos) -> None:
    chaos.broker.stop(signal.SIGKILL)
    chaos.broker.start()


def _held(fault: AbstractContextManager[None]) -> None:
    with fault:
        time.sleep(HELD_SECONDS)


@contextmanager
def _frozen(chaos: Chaos) -> Iterator[None]:
    simulator = chaos.processes.kill("simulator", signal.SIGSTOP)
    try:
        yield
    finally:
        simulator.send_signal(signal.SIGCONT)


def _spoil(chaos: Chaos) -> None:
    chaos.system.plan_faults({"rates": _REPLIES})
    time.sleep(_SPOILT_SECONDS)
    chaos.system.plan_faults({"rates": dict.fromkeys(_REPLIES, 0)})
