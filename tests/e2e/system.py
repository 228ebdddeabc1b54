"""A running system as a test uses it: commands, ledger, simulated API, logs and broker."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import httpx
from redis import Redis

from config.endpoints import RunningSystem
from config.settings import Settings
from console.local.simulator_audit import Comparison, compare_books
from ledger.campaigns import ensure_campaign, find_campaign
from ledger.queries.balance import Balance, balance, recount
from ledger.queries.outcomes import LineRecord, outcomes
from ledger.store.database import Ledger
from producers.blast import blast as accept_file
from producers.freezing import Freezer
from producers.source import ErrorsFile, ReadOptions, Source
from tests.e2e.processes import Processes, await_that

_COLUMNS = ("mobile", "email", "externalId", "rewardId", "quantity", "orgId", "notes")
_COMMAND_SECONDS = 60.0
_TAIL_LINES = 25

Rows = Iterable[Mapping[str, object]]


class System:
    """An `issuance up` with its own ISSUANCE_HOME, and the actions of a test.

    Args:
        home: an empty folder.
        environment: of every process; must hold ISSUANCE_HOME.
        options: of `issuance up`.
    """

    def __init__(self, home: Path, environment: Mapping[str, str], *options: str) -> None:
        self.home = home
        self.environment = dict(environment)
        self.processes = Processes(home, environment, *options)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            self.processes.start()
        except BaseException:
            self._end_by_force()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None and self.processes.is_running:
                self.stop(signal.SIGTERM)
        finally:
            self._end_by_force()

    def _end_by_force(self) -> None:
        self._stack.close()
        self.processes.end_by_force()

    def stop(self, number: signal.Signals) -> None:
        """Stop it; assert exit status 0, no remaining process and no `running.json`."""
        self.processes.signal_up(number)
        assert self.processes.await_end() == 0
        assert self.processes.leftovers() == []
        assert not (self.home / "running.json").exists()

    # -- commands

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run an `issuance` command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "console", *arguments],
            cwd=self.home,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )

    def write_file(self, campaign: str, rows: Rows) -> Path:
        """Write a campaign's file."""
        path = self.home / f"{campaign}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, _COLUMNS, restval="")
            writer.writeheader()
            writer.writerows(rows)
        return path

    def blast(self, campaign: str, rows: Rows, **environment: str) -> None:
        """Blast valid rows with the command."""
        path = self.write_file(campaign, rows)
        done = self.command("blast", str(path), "--campaign", campaign, **environment)
        assert done.returncode == 0, done.stderr

    def accept(self, campaign: str, rows: Rows) -> None:
        """Blast valid rows from this process, which is seconds faster than the command."""
        source = Source(self.write_file(campaign, rows), ReadOptions())
        with ErrorsFile(self.home / "errors.csv") as errors:
            into, freezer = (
                ensure_campaign(self.ledger, campaign),
                Freezer.of_settings(self._settings),
            )
            report = accept_file(
                self.ledger, into, source, freezer, errors, on_batch=lambda _: None
            )
        assert (report.accepted, report.refused) == (report.rows, 0)

    @property
    def _settings(self) -> Settings:
        ours = {
            name: value for name, value in self.environment.items() if name.startswith("ISSUANCE_")
        }
        return Settings(
            **{name.removeprefix("ISSUANCE_").lower(): value for name, value in ours.items()}
        )

    def status(self, campaign: str) -> dict[str, Any]:
        """The output of `issuance status CAMPAIGN --json`."""
        done = self.command("status", campaign, "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    # -- the ledger

    @cached_property
    def ledger(self) -> Ledger:
        """The system's ledger, on a connection of the test."""
        url = self.environment.get("ISSUANCE_LEDGER_URL") or f"sqlite:///{self.home / 'ledger.db'}"
        return self._stack.enter_context(Ledger(url))

    def balance(self, campaign: str) -> Balance:
        """A campaign's lines by state."""
        return balance(self.ledger, campaign)

    def lines(self, campaign: str) -> list[LineRecord]:
        """A campaign's lines."""
        return list(outcomes(self.ledger, find_campaign(self.ledger, campaign)))

    def wait_settled(self, campaign: str, seconds: float = 30.0) -> Balance:
        """Wait until a campaign is settled; assert that ledger and API agree."""
        await_that(f"{campaign} is settled", lambda: not self.balance(campaign).unsettled, seconds)
        self.check_books(campaign)
        return self.balance(campaign)

    def check_books(self, campaign: str) -> Comparison:
        """Assert that accepted = settled, and that nothing was issued twice, lost or invented."""
        final = self.balance(campaign)
        assert (final.balanced, final.unsettled) == (True, 0)
        assert final.counts == recount(self.ledger, campaign).counts
        books = compare_books(self.ledger, campaign, self.running.api_url)
        assert (books.double, books.lost, books.invented) == ([], [], [])
        assert (books.misplaced, books.altered) == ([], [])
        return books

    # -- the parts

    @cached_property
    def running(self) -> RunningSystem:
        """The addresses of its parts, from `running.json`."""
        found = RunningSystem.find(self.home)
        assert found is not None
        return found

    @cached_property
    def redis(self) -> Redis:
        """The Redis of limits and locks; by default also the broker."""
        url = self.environment.get("ISSUANCE_REDIS_URL") or self.running.broker_url
        return self._stack.enter_context(Redis.from_url(url, decode_responses=True))

    @cached_property
    def simulator(self) -> httpx.Client:
        """The controls of the simulated API."""
        return self._stack.enter_context(httpx.Client(base_url=self.running.api_url, timeout=10))

    def truth(self) -> dict[str, dict[str, Any]]:
        """The API's own record: requestId → what happened."""
        answer = self.simulator.get("/_truth", params={"format": "jsonl"}).raise_for_status()
        return {entry["requestId"]: entry for entry in map(json.loads, answer.text.splitlines())}

    def summary(self) -> dict[str, Any]:
        """The totals of the API's own record."""
        found: dict[str, Any] = self.simulator.get("/_truth/summary").raise_for_status().json()
        return found

    def calls(self) -> int:
        """The issue calls that reached the simulator, including repeated ones."""
        return int(self.summary()["calls"])

    def plan_faults(self, plan: Mapping[str, object]) -> None:
        """Make calls fail (docs/reference/simulator.md)."""
        self.simulator.post("/_faults", json=plan).raise_for_status()

    @contextmanager
    def switched(self, **switches: object) -> Iterator[None]:
        """Change switches of the simulator within the `with`."""
        before = self.simulator.get("/_switches").json()
        self.simulator.post("/_switches", json=switches).raise_for_status()
        try:
            yield
        finally:
            with suppress(httpx.HTTPError):  # the test may have stopped the simulator
                self.simulator.post("/_switches", json={name: before[name] for name in switches})

    # -- logs

    def log_text(self) -> str:
        """The text of all logs."""
        return "".join(
            path.read_text(errors="replace") for path in sorted((self.home / "logs").glob("*.log"))
        )

    def log_size(self, name: str) -> int:
        """The current size of a process's log, to read later entries only."""
        path = self.home / "logs" / f"{name}.log"
        return path.stat().st_size if path.exists() else 0

    def events(self, name: str, event: str, *, since: int = 0) -> list[dict[str, Any]]:
        """A process's log entries of one event."""
        return [
            found for found in self.log_entries(name, since=since) if found.get("event") == event
        ]

    def log_entries(self, name: str, *, since: int = 0) -> list[dict[str, Any]]:
        """All log entries of a process."""
        path = self.home / "logs" / f"{name}.log"
        return _events(path, since) if path.exists() else []

    def supervisor_events(self, event: str) -> list[dict[str, Any]]:
        """The log entries of `issuance up` itself of one event."""
        return [found for found in _events(self.processes.output, 0) if found.get("event") == event]

    def log_tails(self) -> str:
        """The last lines of every log, for the report of a failed test."""
        paths = [self.processes.output, *sorted((self.home / "logs").glob("*.log"))]
        return "\n".join(f"--- {path.name}\n{_tail(path)}" for path in paths if path.exists())


def _events(path: Path, since: int) -> list[dict[str, Any]]:
    lines = path.read_bytes()[since:].decode(errors="replace").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def _tail(path: Path) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-_TAIL_LINES:])


def plain_rows(count: int, *, area: int, reward: int = 1001) -> list[dict[str, object]]:
    """Rows of customers without faults; each area has its own customers."""
    assert count < 9_000, "numbers from 9001 are magic (docs/reference/simulator.md)"
    return [
        {"mobile": f"9198{area:04d}{number:04d}", "rewardId": reward, "quantity": 1}
        for number in range(count)
    ]


def scrubbed_environment() -> dict[str, str]:
    """This process's environment without the project's settings."""
    ours = ("ISSUANCE_", "SIMULATOR_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
