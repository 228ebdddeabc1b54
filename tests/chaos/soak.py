"""`make soak`: run blasts with random faults, and measure the memory of every process."""

import argparse
import logging
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import structlog

from tests.chaos.chaos_system import running_chaos
from tests.chaos.hazard import Chaos, Hazard
from tests.chaos.memory import Memory
from tests.chaos.record import Record
from tests.chaos.scale import Scale
from tests.chaos.soak_faults import OF_WHOLE_WORKERS, soak_faults
from tests.chaos.soak_report import Soak, write_soak

_SAMPLE_SECONDS = 5.0
_FAULT_EVERY_SECONDS = (4.0, 12.0)
_LOOK_SECONDS = 0.2


def soak(chaos: Chaos, minutes: float, jobs: int, seed: int) -> Soak:
    """Run blasts and faults until the time is over; then compare ledger and API.

    Raises:
        AssertionError: something was lost or doubled.
    """
    rng, memory, struck = Random(seed), Memory(chaos), Counter[str]()
    run = Hazard(chaos, Record(0, "random faults", chaos.pair), settle_seconds=300)
    faults = soak_faults(chaos)
    now = time.monotonic()
    half, until = now + minutes * 30, now + minutes * 60
    strike_at, sample_at = now, now
    while (now := time.monotonic()) < until:
        if not run.campaigns or chaos.system.balance(run.campaigns[-1]).unsettled < jobs // 2:
            run.blast(jobs)
        if now >= sample_at:
            memory.sample()
            sample_at = now + _SAMPLE_SECONDS
        if now >= strike_at:
            name = rng.choice(
                [name for name in faults if now < half or name not in OF_WHOLE_WORKERS]
            )
            faults[name]()
            struck[name] += 1
            run.strike()
            strike_at = time.monotonic() + rng.uniform(*_FAULT_EVERY_SECONDS)
        time.sleep(_LOOK_SECONDS)
    run.close()
    memory.sample()
    return Soak(minutes, run.record, struck, tuple(memory.longest()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument(
        "--jobs", type=int, default=1_500, help="jobs of each blast (default %(default)s)"
    )
    parser.add_argument(
        "--pair", default="sqlite+valkey", help="ledger+broker (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--table", type=Path, help="write the report to this Markdown file too")
    return parser.parse_args()


def main() -> int:
    """Run the soak and print its report."""
    given = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    scale = Scale(rounds=1, jobs=given.jobs, concurrent=20, long=True, pairs=(given.pair,))
    with (
        TemporaryDirectory(prefix="issuance-soak-") as folder,
        running_chaos(Path(folder), scale, given.pair) as chaos,
    ):
        try:
            soaked = soak(chaos, given.minutes, given.jobs, given.seed)
        except BaseException:
            print(chaos.system.log_tails())  # the folder is deleted with them
            raise
    text = write_soak(soaked, " ".join(["python -m tests.chaos.soak", *sys.argv[1:]]))
    print(text)
    if given.table:
        given.table.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
