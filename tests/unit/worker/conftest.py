"""The worker's services without sockets: fakeredis, a SQLite ledger and a scripted API."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakeredis import FakeAsyncRedis, FakeServer
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from ledger.campaigns import ensure_campaign
from ledger.store.database import Ledger
from tests.contract.ledger.build import Desk
from tests.unit.worker.build import FakeApi, IssuingDesk
from tests.unit.worker.process import MEMORY_URL, end_services, make_services
from worker.services import WorkerServices


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def desk(server: FakeServer):
    async with FakeAsyncRedis(
        server=server, decode_responses=True, retry=Retry(NoBackoff(), 0)
    ) as redis:
        yield IssuingDesk(server, redis, FakeApi())


@pytest.fixture(scope="session")
def ledger_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ledger") / "template.db"
    with Ledger(f"sqlite:///{path}") as ledger:
        ledger.migrate()
    return path


@pytest.fixture
def ledger(ledger_template: Path, tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(
        f"sqlite:///{shutil.copy(ledger_template, tmp_path / 'ledger.db')}", durable=False
    ) as opened:
        yield opened


@pytest.fixture
def book(ledger: Ledger) -> Desk:
    """Create a running campaign in an empty ledger."""
    return Desk(ledger, ensure_campaign(ledger, "diwali"))


@pytest.fixture
def services(server: FakeServer, ledger: Ledger) -> Iterator[WorkerServices]:
    """Create a worker process's services with the test's ledger and kombu's in-memory broker."""
    made = make_services(server, ledger, broker_url=MEMORY_URL)
    yield made
    end_services(made)


@pytest.fixture
def brokerless_services(server: FakeServer, ledger: Ledger) -> Iterator[WorkerServices]:
    """Create the same services with a broker that refuses connections."""
    made = make_services(server, ledger, broker_url="redis://127.0.0.1:1/0")
    yield made
    end_services(made)
