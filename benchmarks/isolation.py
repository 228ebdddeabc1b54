"""Isolation: what a slow and a closed account cost another account of the same system.

`python -m benchmarks.isolation` runs one system with three accounts. The measured account has a
backlog all the time. Its calls per second are counted alone, next to an account whose API answers
after ten seconds, and next to one whose API refuses connections, in turns. It prints a table of the
ratios to the runs alone; docs/how-to/several-accounts.md has the figures.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.cores import OTHER_CORES, WORKER_CORES, python, running
from benchmarks.load import write_csv
from benchmarks.servers import Stub, stub_api

_FAST_MS, _SLOW_MS = 50, 10_000
_SETTLE_SECONDS = 12.0
"""After a change: the slow calls have ended, or fill their places."""
_START_SECONDS = 90.0
_MODES = ("alone", "slow", "closed")
_CLOSED_URL = "http://127.0.0.1:1"


@dataclass(frozen=True)
class _System:
    """The running system."""

    home: Path
    environment: dict[str, str]

    def issuance(self, *arguments: str) -> None:
        """Run a command."""
        subprocess.run(
            python("console", *arguments),
            env=self.environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def blast(self, account: str, count: int) -> None:
        """Accept work for an account, as a campaign of its name."""
        file = self.home / f"{account}.csv"
        write_csv(file, count)
        self.issuance("blast", str(file), "--campaign", account, "--account", account)

    def run_only(self, mode: str) -> None:
        """Pause the neighbours that do not belong to the mode, and resume the others."""
        for name in _MODES[1:]:
            self.issuance("campaign", "resume" if name == mode else "pause", name)


def measure(rounds: int, seconds: float, rate: int, jobs: int) -> dict[str, list[float]]:
    """Count the measured account's calls per second, in turns: by mode, a figure for each round."""
    found: dict[str, list[float]] = {mode: [] for mode in _MODES}
    with TemporaryDirectory() as folder, _system(Path(folder), rate) as (system, fast):
        system.blast("slow", 40_000)
        system.blast("closed", 5_000)
        system.blast("fast", jobs)
        for number in range(rounds):
            for mode in _MODES if number % 2 == 0 else reversed(_MODES):
                system.run_only(mode)
                time.sleep(_SETTLE_SECONDS)
                began, before = time.monotonic(), fast.stats()["answered"]
                time.sleep(seconds)
                answered = fast.stats()["answered"] - before
                if answered == 0:
                    raise RuntimeError("The measured account's backlog is used up: raise --jobs")
                found[mode].append(answered / (time.monotonic() - began))
                print(f"round {number + 1}, {mode}: {found[mode][-1]:,.1f}/s", file=sys.stderr)
    return found


@contextmanager
def _system(home: Path, rate: int) -> Iterator[tuple[_System, Stub]]:
    slow_log, fast_log = home / "slow", home / "fast"
    slow_log.mkdir()
    fast_log.mkdir()
    with stub_api(slow_log) as slow, stub_api(fast_log) as fast:
        slow.reset(_SLOW_MS)
        fast.reset(_FAST_MS)
        (home / "secret").write_text("demo")
        urls = {"fast": (fast.url, rate), "slow": (slow.url, 0), "closed": (_CLOSED_URL, 0)}
        (home / "accounts.toml").write_text("\n".join(_entry(name, *urls[name]) for name in urls))
        clean = {key: text for key, text in os.environ.items() if not key.startswith("ISSUANCE_")}
        environment = clean | {
            "ISSUANCE_HOME": str(home / "home"),
            "ISSUANCE_ACCOUNTS_FILE": str(home / "accounts.toml"),
        }
        log = home / "up.log"
        command = python("console", "up", "--no-flower", "--no-web")
        with running(
            command, cores=sorted({*WORKER_CORES, *OTHER_CORES}), environment=environment, log=log
        ):
            until = time.monotonic() + _START_SECONDS
            while "ready" not in log.read_text():
                if time.monotonic() > until:
                    raise TimeoutError(f"The system did not start: {log.read_text()}")
                time.sleep(0.2)
            yield _System(home, environment), fast


def _entry(name: str, url: str, rate: int) -> str:
    return (
        f'[accounts.{name}]\nurl = "{url}"\ntill = "{name}.till"\nbrand = "DEMO"\n'
        f'password_file = "secret"\nrate_per_minute = {rate}\n'
    )


def _print(found: dict[str, list[float]]) -> None:
    print("| with | calls/s (minimum to maximum) | compared with alone |")
    print("| --- | --- | --- |")
    alone = found["alone"]
    for mode, speeds in found.items():
        ratio = median(each / base for each, base in zip(speeds, alone, strict=True))
        spread = f"{median(speeds):,.0f} ({min(speeds):,.0f} to {max(speeds):,.0f})"
        print(f"| {mode} | {spread} | {ratio:.3f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement")
    parser.add_argument("--rate", type=int, default=12_000, help="the measured account's; 0: none")
    parser.add_argument("--jobs", type=int, default=200_000, help="the measured account's backlog")
    options = parser.parse_args()
    _print(measure(options.rounds, options.seconds, options.rate, options.jobs))
