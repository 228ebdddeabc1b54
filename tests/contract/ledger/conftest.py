"""Ledgers on which the contract is tested: SQLite in a file, and PostgreSQL."""

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import insert

from issuance.derived_keys import Purpose
from ledger.audit_chain import GENESIS, head_seal
from ledger.campaigns import ensure_campaign
from ledger.queries.balance import balances, recount
from ledger.store.database import Ledger
from ledger.store.schema import audit_head, metadata
from tests.contract.ledger.build import Desk
from tests.postgres import postgres_database, postgres_server

# The migration fills `secrets`, and each process remembers the groups that it knows.
_KEPT = ("secrets", "dead_letter_groups")
_TABLES = ", ".join(table.name for table in metadata.sorted_tables if table.name not in _KEPT)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a migrated file: copying it is faster than migrating for each test."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    with Ledger(f"sqlite:///{path}") as ledger:
        ledger.migrate()
    return path


@pytest.fixture(scope="session")
def postgres_ledger(postgres_url: str) -> Iterator[Ledger]:
    with postgres_database(postgres_url) as url, Ledger(url) as ledger:
        ledger.migrate()
        yield ledger


def _empty(ledger: Ledger) -> Ledger:
    seal = head_seal(ledger.key(Purpose.AUDIT), 0, GENESIS)
    with ledger.write() as connection:
        # As a superuser only: otherwise a trigger refuses to empty the audit log.
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql(f"TRUNCATE {_TABLES} RESTART IDENTITY")
        connection.exec_driver_sql("ALTER SEQUENCE job_numbers RESTART")
        connection.execute(insert(audit_head).values(id=1, entries=0, mac=GENESIS, seal=seal))
    return ledger


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """Make an empty ledger, on each database in turn."""
    if request.param == "postgresql":
        yield _empty(request.getfixturevalue("postgres_ledger"))
        return
    path = shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "ledger.db")
    with Ledger(f"sqlite:///{path}", durable=False) as opened:
        yield opened


@pytest.fixture
def desk(ledger: Ledger) -> Iterator[Desk]:
    """Make a ledger with a running campaign; after the test, compare counters with counts."""
    yield Desk(ledger, ensure_campaign(ledger, "diwali"))
    for remembered in balances(ledger):
        assert remembered.counts == recount(ledger, remembered.campaign.name).counts


@pytest.fixture
def at_once() -> Callable[..., list]:
    """Call functions at the same moment, each in a thread, and return their results."""

    def call(*functions: Callable[[], object]) -> list:
        gate = threading.Barrier(len(functions))

        def enter(function: Callable[[], object]) -> object:
            gate.wait(10)
            return function()

        with ThreadPoolExecutor(len(functions)) as threads:
            return list(threads.map(enter, functions))

    return call
