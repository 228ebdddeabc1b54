"""One running system for the tests of a module; each test has its own campaign."""

from collections.abc import Iterator

import pytest

from simulator.serve import Simulator
from tests.contract.ledger.build import Desk
from tests.integration.worker.system import System, running_system
from tests.valkey import valkey_server


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Start Valkey, a ledger and the simulator, without a worker."""
    folder = tmp_path_factory.mktemp("system")
    with (
        valkey_server(folder / "valkey") as server,
        Simulator() as simulator,
        running_system(folder, f"{server.connection_url}/0", simulator) as made,
    ):
        yield made


@pytest.fixture
def desk(system: System, request: pytest.FixtureRequest) -> Desk:
    return system.desk(request.node.name)
