"""A running system for tests: Valkey, a ledger, the simulator and Celery workers."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from broker.queues import LANE_QUEUES
from config.endpoints import Servers
from config.settings import Settings
from issuance.chunk_message import ChunkMessage
from issuance.job import Lane
from ledger.campaigns import ensure_campaign
from operations.services import Services
from simulator.serve import Simulator
from tests.contract.ledger.build import Desk
from worker.app import build
from worker.chunk_messages import chunk_key
from worker.dispatcher import run_release
from worker.services import WorkerServices

_WAIT_SECONDS = 20.0


@dataclass
class System:
    """The services of a running system; the test itself runs its releases."""

    services: WorkerServices
    simulator: Simulator
    environment: dict[str, str]
    log_file: Path

    @property
    def app(self) -> Any:
        return self.services.app

    @property
    def redis(self) -> Redis:
        return self.services.base.redis

    def desk(self, campaign: str) -> Desk:
        return Desk(self.services.ledger, ensure_campaign(self.services.ledger, campaign))

    def release(self) -> int:
        return run_release(self.services)

    def publish(self, chunk: ChunkMessage, lane: Lane = Lane.BLAST, **options: Any) -> None:
        """Publish a chunk's message, as the release does."""
        known = {
            "args": chunk.arguments(chunk_key(self.services.ledger)),
            "task_id": chunk.chunk_id,
            "queue": LANE_QUEUES[lane],
        }
        self.app.send_task("issuance.issue_chunk", **known | options)

    def queued(self, queue: str) -> int:
        return self.redis.llen(f"issuance:{queue}")

    def events(self, **fields: Any) -> list[dict[str, Any]]:
        """Return the workers' log events that have these fields."""
        lines = self.log_file.read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [event for event in found if fields.items() <= event.items()]

    @contextmanager
    def worker(
        self, *queues: str, pool: str = "solo", options: tuple[str, ...] = (), **settings: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a Celery worker on these queues; end it with SIGTERM.

        Args:
            queues: what it consumes.
            pool: of its children.
            options: further ones of Celery's command.
            settings: further variables of its environment.
        """
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "worker.app",
            "--quiet",
            "worker",
            "--pool",
            pool,
        ]
        name = f"{'-'.join(queues)}@test"
        command += [
            "--concurrency",
            "1",
            "--queues",
            ",".join(queues),
            "--without-gossip",
            "--without-mingle",
        ]
        command += ["--hostname", name, *options]
        with self.log_file.open("ab") as log:
            process = subprocess.Popen(
                command,
                env=self.environment | settings,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_for(lambda: self.app.control.ping([name], timeout=0.3))
            yield process
        finally:
            process.terminate()
            process.wait(30)


def wait_for(condition: Callable[[], Any], *, seconds: float = _WAIT_SECONDS) -> Any:
    """Wait until the condition returns something true, and return that."""
    until = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > until:
            raise AssertionError("the condition did not become true in time")
        time.sleep(0.02)
    return found


@contextmanager
def running_system(folder: Path, redis_url: str, simulator: Simulator) -> Iterator[System]:
    """Create the services for a broker and an API that already run."""
    servers = Servers(f"sqlite:///{folder / 'ledger.db'}", redis_url, redis_url, simulator.url, 0)
    given = {
        "ISSUANCE_HOME": str(folder),
        "ISSUANCE_LEDGER_URL": servers.ledger_url,
        "ISSUANCE_BROKER_URL": servers.broker_url,
        "ISSUANCE_API_URL": servers.api_url,
        "ISSUANCE_API_RATE_PER_MINUTE": "0",
        "ISSUANCE_LOG_FORMAT": "json",
        "ISSUANCE_LOG_LEVEL": "DEBUG",
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ISSUANCE_")}
    settings = Settings(_env_file=None, home=folder, api_url=servers.api_url)
    base = Services(settings, servers)
    build(base)
    services = WorkerServices(base, worker="test")
    services.ledger.migrate()
    try:
        yield System(services, simulator, clean | given, folder / "worker.log")
    finally:
        services.app.close()
        services.base.redis.close()
        services.ledger.close()
