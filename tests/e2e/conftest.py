"""Running systems for the end-to-end tests: a shared one, and others for tests that break it."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.e2e.hostile_rig import Rig, Rigs
from tests.e2e.system import System, scrubbed_environment
from tests.e2e.webhook import Webhook
from tests.hostile.stub import Stub

StartSystem = Callable[..., AbstractContextManager[System]]

# Short times, so that all retries end within the test.
_SHORT_TIMES = {
    "ISSUANCE_API_TIMEOUT_SECONDS": "2",
    "ISSUANCE_LEASE_SECONDS": "6",
    "ISSUANCE_RETRY_MAX_ATTEMPTS": "6",
    "ISSUANCE_RETRY_BASE_SECONDS": "0.2",
    "ISSUANCE_RETRY_CAP_SECONDS": "1",
    "ISSUANCE_RETRY_TOTAL_SECONDS": "60",
    "ISSUANCE_RECONCILE_DELAYS_SECONDS": "0.3,0.5",
    "ISSUANCE_FLOWER_PORT": "0",
    "ISSUANCE_FLOWER_BASIC_AUTH": "test:flower",
    "ISSUANCE_HEALTH_PORT": "0",
    "ISSUANCE_CHUNK_MAX_JOBS": "50",
}


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_ours() -> Iterator[None]:
    """Keep the user's settings out of code that runs in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - set(scrubbed_environment()):
            if not name.startswith("ISSUANCE_TEST_"):
                patch.delenv(name)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show the last log lines of a failed test's system, and a rig's measurements (`-rP`)."""
    report = yield
    found = getattr(item, "funcargs", {}).values()
    if report.failed:
        values = [value.system if isinstance(value, Rig) else value for value in found]
        systems = [value for value in values if isinstance(value, System)]
        report.sections += [("logs of the system", system.log_tails()) for system in systems]
    if report.when == "call":
        report.sections += [("measured", rig.notes()) for rig in found if isinstance(rig, Rig)]
    return report


@pytest.fixture(scope="session")
def start_system(tmp_path_factory: pytest.TempPathFactory) -> StartSystem:
    """Create a system for `with`; takes options of `issuance up` and environment variables."""
    base = scrubbed_environment() | _SHORT_TIMES

    def start(*options: str, **environment: str) -> System:
        home = tmp_path_factory.mktemp("home")
        whole = base | environment | {"ISSUANCE_HOME": str(home)}
        return System(home, whole, *(options or ("--simulator", "--no-flower", "--no-web")))

    return start


@pytest.fixture(scope="session")
def webhook() -> Iterator[Webhook]:
    with Webhook() as running:
        yield running


@pytest.fixture(scope="session")
def shared(start_system: StartSystem, webhook: Webhook) -> Iterator[System]:
    """A system for tests that do not disturb each other; each has its own campaign.

    Its lease is far longer than any test, so a test that depends on a lapse fails. It calls as a
    connected organisation with OAuth, and with few concurrent calls, so that a blast lasts.
    """
    settings = {
        "ISSUANCE_LEASE_SECONDS": "90",
        "ISSUANCE_API_MAX_CONCURRENT": "4",
        "ISSUANCE_API_AUTH": "oauth",
        "ISSUANCE_API_CLIENT_KEY": "demo-key",
        "ISSUANCE_API_CLIENT_SECRET": "demo-secret",
        "ISSUANCE_API_DATA_SCOPE": "OTHER",
        "ISSUANCE_API_DATA_SCOPE_ORG": "4001",
        "ISSUANCE_DEAD_LETTER_WEBHOOK_URL": webhook.url,
    }
    with start_system("--simulator", **settings) as system:
        yield system


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    """The hostile API."""
    with Stub() as running:
        yield running


@pytest.fixture(scope="module")
def rigs(start_system: StartSystem, stub: Stub) -> Iterator[Rigs]:
    """Systems that call the stub, one at a time."""
    made = Rigs(start_system, stub)
    yield made
    made.close()


@pytest.fixture
def rig(rigs: Rigs) -> Iterator[Rig]:
    """A system that calls the stub, with a fresh account."""
    made = rigs.fresh()
    yield made
    rigs.take_back(made)
