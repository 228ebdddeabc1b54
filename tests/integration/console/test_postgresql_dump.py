"""A dump from before an upgrade, restored as the how-to says: into an empty database."""

import pytest
from alembic import command
from sqlalchemy import inspect, text

from issuance.derived_keys import Purpose
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


def test_a_dump_from_before_the_secret_takes_that_of_the_lost_ledger_from_a_file(
    run, monkeypatch, server, tmp_path
):
    dump, secret = str(tmp_path / "ledger.dump"), tmp_path / "secret"
    with postgres_database(server) as lost, postgres_database(server) as empty:
        _make_old(lost)
        with Ledger(lost) as ledger:
            with ledger.write() as connection:
                connection.execute(text("INSERT INTO heartbeats (name, at) VALUES ('release', 7)"))
            run_tool("pg_dump", "--format=custom", f"--file={dump}", lost)
            ledger.migrate()
            key = ledger.key(Purpose.REQUEST_IDS)
        run_tool("pg_restore", "--exit-on-error", "--single-transaction", f"--dbname={empty}", dump)
        hexadecimal = "SELECT encode(value, 'hex') FROM secrets"
        with Ledger(lost) as ledger, ledger.read() as connection:  # as psql writes it
            secret.write_text(f"{connection.scalar(text(hexadecimal))}\n")
        secret.chmod(0o600)
        monkeypatch.setenv("ISSUANCE_LEDGER_URL", empty)
        monkeypatch.setenv("ISSUANCE_SECRET_FILE", str(secret))
        assert run("migrate").exit_code == 0
        assert run("mark-restored").exit_code == 0
        with Ledger(empty, secret=bytes.fromhex(secret.read_text())) as ledger:
            assert ledger.key(Purpose.REQUEST_IDS) == key


def test_a_dump_from_before_the_secret_is_not_marked_as_restored_with_a_new_one(
    run, monkeypatch, server
):
    with postgres_database(server) as restored:
        _make_old(restored)
        with Ledger(restored) as ledger, ledger.write() as connection:
            connection.execute(text("INSERT INTO heartbeats (name, at) VALUES ('release', 7)"))
        monkeypatch.setenv("ISSUANCE_LEDGER_URL", restored)
        assert run("migrate").exit_code == 0
        refused = run("mark-restored")
        assert refused.exit_code == 2
        assert "Restore the backup again with the lost secret" in refused.stderr
        assert run("mark-restored", "--other-secret").exit_code == 0
