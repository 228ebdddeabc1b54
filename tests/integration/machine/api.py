"""The simulated API in this process, without sockets, called by the worker's own code."""

import asyncio
import time
from random import Random
from typing import Any

import httpx
from pydantic import SecretStr

from issuance.retry import RetryPolicy
from ledger.dispatch.claimed_jobs import Claim, ClaimedJob
from ledger.results.attempts import Attempt
from rewards_api.account import ApiAccount
from rewards_api.client import RewardsClient
from simulator.app import app_of
from simulator.demo_catalogue import CHILDREN, DEMO_WITHOUT_MAGIC
from simulator.faults import read_plan
from simulator.switches import Switches
from simulator.world import World
from worker.chunk.reconciler import Reconciler
from worker.chunk.sender import Sender

MOBILE = "919800000001"
ORG = CHILDREN[0]
LAG_SECONDS = 60.0
# Fewer attempts and reads than in production, so that a short run reaches every final state.
POLICY = RetryPolicy(max_attempts=3, reconcile_delays_seconds=(1.0, 2.0))

_ACCOUNT = ApiAccount(
    base_url="http://simulator",
    till="demo.till",
    password=SecretStr("demo"),
    data_scope="OTHER",
    data_scope_org=str(ORG),
)


async def _has_slot() -> bool:
    return True


class Api:
    """One simulator and one client; its clock only moves forward, and a test can advance it."""

    def __init__(self, switches: Switches) -> None:
        self._ahead_seconds = 0.0
        self.world = World(
            DEMO_WITHOUT_MAGIC, switches, clock=lambda: time.time() + self._ahead_seconds
        )
        self._runner = asyncio.Runner()
        self._client = RewardsClient(_ACCOUNT, httpx.ASGITransport(app_of(self.world)))
        self._reconciler = Reconciler(
            self._client, POLICY, Random(1), take_slot=_has_slot, within_seconds=10
        )

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()

    def attempt(self, held: Claim, job: ClaimedJob) -> Attempt:
        """Handle a claimed job as a worker does: send it or reconcile it."""
        sender = Sender(held, self._client, POLICY, Random(1))
        return self._runner.run(
            sender.send(job) if job.fallback is None else self._reconciler.reconcile(job)
        )

    def plan(self, fault: Any, *, path: str | None = None) -> None:
        """Let the next call fail."""
        self.world.faults.clear()
        self.world.faults.add(read_plan({"next": [{"fault": fault, "path": path}]}))

    def let_reads_catch_up(self) -> None:
        self._ahead_seconds += LAG_SECONDS + 1

    def end_all_faults(self) -> None:
        self.world.faults.clear()
        self.let_reads_catch_up()
        self.world.change_switches({"read_lag_seconds": 0})

    @property
    def truth(self) -> dict[str, dict[str, Any]]:
        """What really happened, by requestId."""
        return {entry["requestId"]: entry for entry in self.world.truth.entries()}
