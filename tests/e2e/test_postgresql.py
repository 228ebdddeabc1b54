"""A blast on a PostgreSQL ledger in which workers are killed."""

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from issuance.states import State
from ledger.store.schema import tally_deltas
from tests.e2e.conftest import StartSystem
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows
from tests.postgres import postgres_database, postgres_server

pytestmark = pytest.mark.smoke


@pytest.fixture(scope="module")
def system(start_system: StartSystem) -> Iterator[System]:
    with postgres_server() as server, postgres_database(server) as url:
        settings = {
            "ISSUANCE_LEDGER_URL": url,
            "ISSUANCE_API_MAX_CONCURRENT": "10",
            "SIMULATOR_LATENCY_SECONDS": "0.25",
        }
        with start_system(**settings) as started:
            yield started


def test_a_blast_on_postgresql_survives_killed_workers(system: System):
    system.accept("elephant", plain_rows(300, area=95))
    await_that("the blast is under way", lambda: system.calls() > 40)
    system.processes.children("worker")[0].kill()
    await_that("the blast continues", lambda: system.calls() > 100)
    worker = system.processes.kill_tree("worker")
    system.processes.find_again(worker, "worker")
    assert system.wait_settled("elephant", 40).counts[State.ISSUED] == 300
    await_that(
        "the release has added up the counters of the triggers",
        lambda: _tally_deltas(system) == 0,
    )


def _tally_deltas(system: System) -> int:
    with system.ledger.read() as connection:
        return connection.scalar(select(func.count()).select_from(tally_deltas)) or 0
