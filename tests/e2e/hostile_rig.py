"""A running system that calls the hostile stub; tests use it one after the other."""

import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, ExitStack
from itertools import count

from tests.e2e.hostile_run import Run, read_rows
from tests.e2e.processes import await_that
from tests.e2e.system import Rows, System
from tests.hostile.stub import Stub

Start = Callable[..., AbstractContextManager[System]]

SETTINGS = {
    "ISSUANCE_API_TIMEOUT_SECONDS": "30",
    "ISSUANCE_LEASE_SECONDS": "120",
    "ISSUANCE_RETRY_MAX_ATTEMPTS": "8",
    "ISSUANCE_RETRY_BASE_SECONDS": "2",
    "ISSUANCE_RETRY_CAP_SECONDS": "600",
    "ISSUANCE_RETRY_TOTAL_SECONDS": "3600",
    "ISSUANCE_CHUNK_MAX_JOBS": "1000",
    "ISSUANCE_API_RATE_PER_MINUTE": "0",
    "ISSUANCE_RECONCILE_DELAYS_SECONDS": "1,2",
}
"""The product's defaults, except for the rate and the delays of reconciliation."""
_OFTEN_SECONDS = 0.2
_CALM_SECONDS = 20.0


class Rig:
    """A system and the stub that it calls."""

    def __init__(self, system: System, stub: Stub) -> None:
        self.system = system
        self.stub = stub
        self._numbers = count(1)
        self._open: list[str] = []
        self._notes: list[str] = []

    def blast(self, name: str, rows: Rows) -> str:
        """Accept rows into a new campaign; returns its name."""
        campaign = f"{name}-{next(self._numbers)}"
        self._open.append(campaign)
        self.system.blast(campaign, rows)
        return campaign

    def read(self, campaign: str) -> Run:
        """Read a campaign from the ledger and from the stub."""
        rows = read_rows(self.system.home / "ledger.db", campaign)
        return Run(rows, self.stub.books())

    def settle(self, campaign: str, within: float, *, without: Collection[str] = ()) -> Run:
        """Wait until all rows, except those of some customers, are settled or the time is over."""
        until = time.monotonic() + within
        while True:
            run = self.read(campaign).without(without)
            if run.is_settled or time.monotonic() > until:
                return run
            time.sleep(_OFTEN_SECONDS)

    def run(self, name: str, rows: Rows, within: float) -> Run:
        """Accept rows and wait, as `settle` does."""
        return self.settle(self.blast(name, rows), within)

    def set_rate(self, per_second: int) -> None:
        """Set the account's rate as an operator does."""
        self._command("limits", "set", str(60 * per_second))

    def show_limits(self) -> str:
        """Return the output of `issuance limits show`."""
        return self._command("limits", "show")

    def note(self, name: str, value: object) -> None:
        """Add a measurement to the test's report."""
        self._notes.append(f"{name}: {value}")

    def notes(self) -> str:
        """Return the measurements of this test."""
        return "\n".join(self._notes)

    def calm_down(self) -> None:
        """Cancel unsettled campaigns, and reset the account and the stub."""
        self.stub.behave(shares=[], customers={}, rewards={}, outage=None, reads=None)
        self.stub.behave(header_bytes=0, headers=0)
        self._forget_limits()
        for campaign in self._open:
            if not self.read(campaign).is_settled:
                self._command("campaign", "cancel", campaign, "--yes")
        await_that("nothing is open", self._is_settled, _CALM_SECONDS)
        self._open.clear()
        self._notes.clear()
        self._forget_limits()
        self.stub.reset()

    def _is_settled(self) -> bool:
        return all(self.read(campaign).is_settled for campaign in self._open)

    def _forget_limits(self) -> None:
        for key in self.system.redis.scan_iter("issuance:*:limits*"):
            self.system.redis.delete(key)

    def _command(self, *arguments: str) -> str:
        done = self.system.command(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


class Rigs:
    """One rig for many tests; it is replaced after a test that broke it."""

    def __init__(self, start: Start, stub: Stub, **settings: str) -> None:
        self._start = start
        self._stub = stub
        self._settings = SETTINGS | {"ISSUANCE_API_URL": stub.url} | settings
        self._stack = ExitStack()
        self._rig: Rig | None = None

    def fresh(self) -> Rig:
        """Return a rig whose account has made no calls."""
        if self._rig is None:
            system = self._start("--no-flower", "--no-web", **self._settings)
            self._rig = Rig(self._stack.enter_context(system), self._stub)
        return self._rig

    def take_back(self, rig: Rig) -> None:
        """Make the rig ready for the next test, or stop it."""
        try:
            rig.calm_down()
        except AssertionError:
            rig.system.processes.end_by_force()
            self.close()
            self._stub.reset()

    def close(self) -> None:
        """Stop the system."""
        self._rig = None
        self._stack.close()
