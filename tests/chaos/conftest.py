"""A system on each pair of ledger and broker, with fault after fault on it; see `scale` for how much of that."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from config.celery_app import create_app
from config.nudging import Nudge
from config.settings import Settings
from config.site import Site
from tests.chaos.brokers import RedisBroker, installed_redis
from tests.chaos.hazard import Chaos, Hazard
from tests.chaos.ledgers import LedgerServer, Sqlite, postgresql
from tests.chaos.record import Record
from tests.chaos.scale import Scale
from tests.e2e.system import System, scrubbed_environment

BeginHazard = Callable[[int, str], AbstractContextManager[Hazard]]

LEASE_SECONDS = 5.0
API_SECONDS = 2.0
VISIBILITY_SECONDS = Settings(
    _env_file=None, lease_seconds=LEASE_SECONDS, api_timeout_seconds=1
).visibility_timeout_seconds
_SETTINGS = {
    "ISSUANCE_API_TIMEOUT_SECONDS": f"{API_SECONDS:g}",
    "ISSUANCE_LEASE_SECONDS": f"{LEASE_SECONDS:g}",
    "ISSUANCE_RETRY_MAX_ATTEMPTS": "30",
    "ISSUANCE_RETRY_BASE_SECONDS": "0.2",
    "ISSUANCE_RETRY_CAP_SECONDS": "1",
    "ISSUANCE_RETRY_TOTAL_SECONDS": "600",
    "ISSUANCE_LOOK_UP_LAGS_SECONDS": "0.3,0.5",
    "ISSUANCE_CHUNK_MAX_JOBS": "50",
    "SIMULATOR_LATENCY_SECONDS": "0.2",
    "SIMULATOR_NO_MAGIC_CUSTOMERS": "1",
}
_RECORDS = "ISSUANCE_TEST_CHAOS_RECORDS"
"""A file that takes what came of each hazard."""

scale = Scale.read()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/chaos/" in item.path.as_posix():
            item.add_marker(pytest.mark.processes)
            if scale.long:
                item.add_marker(pytest.mark.timeout(3_600))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show the tails of the logs of a failed test's system."""
    report = yield
    chaos = getattr(item, "funcargs", {}).get("chaos")
    if report.failed and chaos is not None:
        report.sections.append(("logs of the system", chaos.system.log_tails()))
    return report


@pytest.fixture(scope="session", params=scale.pairs)
def chaos(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Chaos]:
    """A system that all hazards of a pair strike one after the other: each finds it as the one before has left it."""
    ledger_name, broker_name = request.param.split("+")
    home = tmp_path_factory.mktemp("chaos")
    bytecode = str(pytestconfig.cache.mkdir("bytecode"))
    with ExitStack() as stack:
        broker = stack.enter_context(_broker(broker_name, home))
        ledger = stack.enter_context(_ledger(ledger_name, home))
        environment = scrubbed_environment() | _SETTINGS
        environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}
        environment["PYTHONPATH"] = str(Path(__file__).parent / "poison")
        environment |= {
            "ISSUANCE_HOME": str(home),
            "ISSUANCE_API_MAX_CONCURRENT": str(scale.concurrent),
            "ISSUANCE_BROKER_URL": broker.url,
            "ISSUANCE_LEDGER_URL": ledger.url,
        }
        system = stack.enter_context(System(home, environment, "--simulator", "--no-flower"))
        settings = Settings(home=home, broker_url=broker.url, ledger_url=ledger.url)
        nudge = Nudge(create_app(settings, Site.of(settings)), system.broker)
        yield Chaos(request.param, scale, system, broker, ledger, nudge)


@contextmanager
def _broker(name: str, home: Path) -> Iterator[RedisBroker]:
    binary = installed_redis() if name == "redis" else None
    if name == "redis" and binary is None:
        pytest.skip("no redis-server is installed here")
    broker = RedisBroker(home, binary)
    broker.start()
    try:
        yield broker
    finally:
        broker.end()


@contextmanager
def _ledger(name: str, home: Path) -> Iterator[LedgerServer]:
    if name == "sqlite":
        yield Sqlite(home)
        return
    with postgresql() as server:
        yield server


@pytest.fixture
def hazard(chaos: Chaos) -> BeginHazard:
    """Begin a hazard by its number and title; at its end the books are compared, whatever was done in between."""

    @contextmanager
    def begin(number: int, title: str) -> Iterator[Hazard]:
        chaos.system.simulator.post("/_reset").raise_for_status()
        begun = Hazard(chaos, Record(number, title, chaos.pair), settle_seconds=60 + scale.jobs * scale.rounds / 50)
        yield begun
        try:
            begun.close()
        finally:
            if path := os.environ.get(_RECORDS):
                begun.record.append_to(Path(path))

    return begin


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_ours() -> Iterator[None]:
    """The system's settings are the tests' own, also for what runs within this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - set(scrubbed_environment()):
            if not name.startswith("ISSUANCE_TEST_"):
                patch.delenv(name)
        yield
