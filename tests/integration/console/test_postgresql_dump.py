"""A dump from before an upgrade, restored as the how-to says: into an empty database."""

import pytest
from alembic import command
from sqlalchemy import inspect, text

from ledger.store.database import Ledger
from ledger.store.migration import configuration
from ledger.store.schema import REVISION
from tests.e2e.postgres_tools import run_tool
from tests.postgres import postgres_database, postgres_server

_OLD_REVISION = "0003"


@pytest.fixture(scope="module")
def server():
    with postgres_server() as url:
        yield url


def _make_old(url: str) -> None:
    with Ledger(url) as ledger, ledger.write() as connection:
        command.upgrade(configuration(connection), _OLD_REVISION)
        connection.execute(
            text(
                "INSERT INTO campaigns (name, state, created_at, accepted_lines, defers_limits) "
                "VALUES ('old', 'running', 1, 0, false)"
            )
        )


def test_a_dump_of_an_older_schema_is_restored_into_an_empty_database(
    run, monkeypatch, server, tmp_path
):
    dump = str(tmp_path / "ledger.dump")
    with postgres_database(server) as before, postgres_database(server) as empty:
        _make_old(before)
        run_tool("pg_dump", "--format=custom", f"--file={dump}", before)
        run_tool("pg_restore", "--exit-on-error", "--single-transaction", f"--dbname={empty}", dump)
        monkeypatch.setenv("ISSUANCE_LEDGER_URL", empty)
        assert run("status").exit_code == 2  # an older schema
        assert run("migrate").exit_code == 0
        assert run("mark-restored").exit_code == 0
        assert "old" in run("status").stdout
        with Ledger(empty) as ledger:
            ledger.check_schema()


def test_a_dump_of_an_older_schema_over_a_newer_ledger_is_explained(
    run, monkeypatch, server, tmp_path
):
    """What `pg_restore --clean` leaves: tables that the dump does not know."""
    dump = str(tmp_path / "ledger.dump")
    with postgres_database(server) as before, postgres_database(server) as newer:
        _make_old(before)
        run_tool("pg_dump", "--format=custom", f"--file={dump}", before)
        monkeypatch.setenv("ISSUANCE_LEDGER_URL", newer)
        assert run("migrate").exit_code == 0
        run_tool("pg_restore", "--clean", "--if-exists", f"--dbname={newer}", dump)
        refused = run("migrate")
        assert refused.exit_code == 2
        assert "empty database" in refused.stderr
        with Ledger(newer) as ledger, ledger.read() as connection:
            assert inspect(connection).has_table("restores")
            found = connection.scalar(text("SELECT version_num FROM alembic_version"))
        assert found == _OLD_REVISION != REVISION
