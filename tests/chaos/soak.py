"""Blast after blast with random faults for as long as wanted, and whether any process grows: `make soak`.

Memory is told for the longest life of each process, from a minute after its start, when it has what it needs, to its
end: processes that were killed begin anew.
"""

import argparse
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory

import psutil
import structlog

from tests.chaos.chaos_system import running_chaos
from tests.chaos.hazard import Chaos, Hazard
from tests.chaos.record import Record
from tests.chaos.report import table
from tests.chaos.scale import Scale

_SAMPLE_SECONDS = 5.0
_WARM_SECONDS = 60.0
_FAULT_EVERY_SECONDS = (4.0, 12.0)
_MEGABYTE = 1_000_000


@dataclass
class Life:
    """One process's memory over its life: seconds since it was first seen → resident bytes."""

    name: str
    samples: list[tuple[float, int]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long it was seen."""
        return self.samples[-1][0] if self.samples else 0.0

    def growth(self) -> tuple[float, float] | None:
        """Megabytes at its first warm minute and at its end, each the median of a few samples."""
        warm = [size for at, size in self.samples if at >= _WARM_SECONDS]
        few = max(1, len(warm) // 5)
        return (median(warm[:few]) / _MEGABYTE, median(warm[-few:]) / _MEGABYTE) if warm else None


class Memory:
    """Watches the memory of everything that runs on a HOME."""

    def __init__(self, chaos: Chaos) -> None:
        self._chaos = chaos
        self._lives: dict[psutil.Process, Life] = {}
        self._born: dict[psutil.Process, float] = {}

    def sample(self) -> None:
        """Take the memory of all processes that live now."""
        for name, process in self._chaos.processes.all_named():
            with suppress(psutil.Error):
                born = self._born.setdefault(process, time.monotonic())
                life = self._lives.setdefault(process, Life(name))
                life.samples.append((time.monotonic() - born, process.memory_info().rss))

    def longest(self) -> Iterator[Life]:
        """The longest life under each name."""
        for name in sorted({life.name for life in self._lives.values()}):
            yield max((life for life in self._lives.values() if life.name == name), key=lambda life: life.seconds)


def _faults(chaos: Chaos) -> dict[str, Callable[[], object]]:
    return {
        "worker's child killed": lambda: _kill_child(chaos),
        "worker killed": lambda: _replaced(chaos, chaos.processes.kill_tree("worker")),
        "worker told to stop": lambda: _replaced(chaos, chaos.processes.kill("worker", signal.SIGTERM)),
        "broker restarted": lambda: _restart(chaos),
        "broker frozen for 3 s": lambda: _held(chaos.broker.frozen()),
        "broker emptied": chaos.broker.flush,
        "broker's connections cut": chaos.broker.cut_connections,
        "ledger away for 3 s": lambda: _held(chaos.ledger.away()),
        "API frozen for 3 s": lambda: _held(_frozen(chaos)),
        "replies lost, spoilt or refused": lambda: _spoil(chaos),
    }


_WEIGHTS = {"worker killed": 0.15, "worker told to stop": 0.15}
"""Rarely, so that a worker lives long enough to show whether it grows."""
_REPLIES = {"reset_after_commit": 0.03, "reset_before": 0.03, "502_html": 0.03, "truncated_json_after_commit": 0.02}


def _kill_child(chaos: Chaos) -> None:
    chaos.processes.children("worker")[0].kill()


def _replaced(chaos: Chaos, worker: psutil.Process) -> None:
    chaos.processes.find_again(worker, "worker")


def _restart(chaos: Chaos) -> None:
    chaos.broker.stop(signal.SIGKILL)
    chaos.broker.start()


def _held(fault: AbstractContextManager[None]) -> None:
    with fault:
        time.sleep(3)


@contextmanager
def _frozen(chaos: Chaos) -> Iterator[None]:
    simulator = chaos.processes.kill("simulator", signal.SIGSTOP)
    try:
        yield
    finally:
        simulator.send_signal(signal.SIGCONT)


def _spoil(chaos: Chaos) -> None:
    chaos.system.plan_faults({"rates": _REPLIES})
    time.sleep(5)
    chaos.system.plan_faults({"rates": dict.fromkeys(_REPLIES, 0)})


def soak(chaos: Chaos, minutes: float, jobs: int, seed: int) -> tuple[Record, Memory]:
    """Keep blasts under way and strike until the time is over; then wait for the end and compare the books."""
    rng, memory = Random(seed), Memory(chaos)
    run = Hazard(chaos, Record(0, "random faults", chaos.pair), settle_seconds=300)
    faults = _faults(chaos)
    names, weights = list(faults), [_WEIGHTS.get(name, 1.0) for name in faults]
    now = time.monotonic()
    until, strike_at, sample_at = now + minutes * 60, now, now
    while (now := time.monotonic()) < until:
        if not run.campaigns or chaos.system.balance(run.campaigns[-1]).unsettled < jobs // 2:
            run.blast(jobs)
        if now >= sample_at:
            memory.sample()
            sample_at = now + _SAMPLE_SECONDS
        if now >= strike_at:
            (name,) = rng.choices(names, weights)
            faults[name]()
            run.strike()
            strike_at = time.monotonic() + rng.uniform(*_FAULT_EVERY_SECONDS)
        time.sleep(0.2)
    run.close()
    memory.sample()
    return run.record, memory


def main() -> int:
    """Soak, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--jobs", type=int, default=1_500, help="jobs of each blast (default %(default)s)")
    parser.add_argument("--pair", default="sqlite+valkey", help="ledger+broker (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    scale = Scale(rounds=1, jobs=given.jobs, concurrent=20, long=True, pairs=(given.pair,))
    with TemporaryDirectory(prefix="issuance-soak-") as folder, running_chaos(Path(folder), scale, given.pair) as chaos:
        record, memory = soak(chaos, given.minutes, given.jobs, given.seed)
        print(table([record]), "\n")
        print("| Process | Longest life | Memory after a minute | at its end |\n| --- | ---: | ---: | ---: |")
        for life in memory.longest():
            if (growth := life.growth()) is not None:
                print(f"| {life.name} | {life.seconds / 60:.0f} min | {growth[0]:.0f} MB | {growth[1]:.0f} MB |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
