"""The system under test: a broker, a ledger, and `issuance up` with low timeouts on them."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from broker.celery_app import create_app
from broker.wake_up import WakeUp
from config.endpoints import Servers
from config.settings import Settings
from tests.chaos.brokers import running_broker
from tests.chaos.hazard import Chaos
from tests.chaos.ledgers import running_ledger
from tests.chaos.scale import Scale
from tests.e2e.system import System, scrubbed_environment

LEASE_SECONDS = 5.0
API_SECONDS = 2.0
VISIBILITY_SECONDS = Settings(
    _env_file=None, lease_seconds=LEASE_SECONDS, api_timeout_seconds=API_SECONDS
).visibility_timeout_seconds
_SETTINGS = {
    "ISSUANCE_API_TIMEOUT_SECONDS": f"{API_SECONDS:g}",
    "ISSUANCE_LEASE_SECONDS": f"{LEASE_SECONDS:g}",
    "ISSUANCE_RETRY_MAX_ATTEMPTS": "30",
    "ISSUANCE_RETRY_BASE_SECONDS": "0.2",
    "ISSUANCE_RETRY_CAP_SECONDS": "1",
    "ISSUANCE_RETRY_TOTAL_SECONDS": "600",
    "ISSUANCE_RECONCILE_DELAYS_SECONDS": "0.3,0.5",
    "ISSUANCE_CHUNK_MAX_JOBS": "50",
    "SIMULATOR_LATENCY_SECONDS": "0.2",
    "SIMULATOR_NO_MAGIC_CUSTOMERS": "1",
}


@contextmanager
def running_chaos(home: Path, scale: Scale, pair: str) -> Iterator[Chaos]:
    """Run a whole system on a pair of ledger and broker.

    Args:
        home: an empty folder.
        scale: its number of concurrent calls.
        pair: as `sqlite+valkey`.

    Raises:
        NotInstalledError: a server of the pair is not installed.
    """
    ledger_name, broker_name = pair.split("+")
    with ExitStack() as stack:
        broker = stack.enter_context(running_broker(broker_name, home))
        ledger = stack.enter_context(running_ledger(ledger_name, home))
        environment = scrubbed_environment() | _SETTINGS
        environment |= {
            # The processes run the tree of these tests, also in a copy (`defences`).
            "PYTHONPATH": os.pathsep.join(
                map(str, (Path(__file__).parent / "poison", Path(__file__).parents[2]))
            ),
            "ISSUANCE_HOME": str(home),
            "ISSUANCE_API_MAX_CONCURRENT": str(scale.concurrent),
            "ISSUANCE_BROKER_URL": broker.url,
            "ISSUANCE_REDIS_URL": broker.redis_url,
            "ISSUANCE_LEDGER_URL": ledger.url,
        }
        system = stack.enter_context(
            System(home, environment, "--simulator", "--no-flower", "--no-web")
        )
        urls = {"broker_url": broker.url, "redis_url": broker.redis_url, "ledger_url": ledger.url}
        settings = Settings(_env_file=None, home=home, **urls)
        wake_up = WakeUp(create_app(settings, Servers.of(settings)), system.redis)
        yield Chaos(pair, scale, system, broker, ledger, wake_up)
