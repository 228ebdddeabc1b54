"""A database that cannot be the ledger's is refused at `migrate`, with what to do."""

import re
import sqlite3

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from ledger.store.database import Ledger
from ledger.store.errors import LedgerError
from tests.postgres import postgres_database


@pytest.fixture(params=["sqlite", "postgresql"])
def blank_url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'other.db'}"
        return
    with postgres_database(request.getfixturevalue("postgres_url")) as url:
        yield url


@pytest.fixture
def database(postgres_url):
    with postgres_database(postgres_url) as url:
        yield url


def run(url, *statements):
    driver = url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(driver, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def refused(url, *, by="migrate"):
    with Ledger(url) as ledger, pytest.raises(LedgerError) as error:
        getattr(ledger, by)()
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("by", ["migrate", "check_schema"])
@pytest.mark.parametrize("version", ["1975ea83b712", "0001", "9999"])
def test_the_versions_of_another_program_are_not_taken_for_ours(blank_url, version, by):
    run(
        blank_url,
        "CREATE TABLE alembic_version (version_num VARCHAR(32))",
        f"INSERT INTO alembic_version VALUES ('{version}')",
        "CREATE TABLE orders (id INTEGER)",
    )
    message = refused(blank_url, by=by)
    assert f"belongs to another program: its alembic_version says '{version}'" in message
    assert "of its own" in message
    assert "newer" not in message


def test_a_table_of_another_program_is_named(blank_url):
    run(blank_url, "CREATE TABLE jobs (id INTEGER)")
    assert "has a table jobs that is not the ledger's" in refused(blank_url)


def test_a_schema_of_its_own_lets_two_programs_share_a_database(database):
    run(
        database,
        "CREATE TABLE alembic_version (version_num VARCHAR(32))",
        "INSERT INTO alembic_version VALUES ('1975ea83b712')",
        "CREATE TABLE jobs (id INTEGER)",
        "CREATE SCHEMA rewards",
    )
    url = make_url(database).update_query_dict({"options": "-csearch_path=rewards"})
    with Ledger(url.render_as_string(hide_password=False)) as ledger:
        ledger.migrate()
        ledger.check_schema()


def test_a_ledger_of_a_newer_program_is_still_said_to_be_newer(blank_url):
    with Ledger(blank_url) as ledger:
        ledger.migrate()
        with ledger.write() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert "newer" in refused(blank_url)


@pytest.fixture
def guest(database):
    """Yield the database's URL for a user without rights, and that user's name."""
    name = f"guest_{make_url(database).database[-8:]}"
    run(database, f"CREATE USER {name}", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    url = make_url(database).set(username=name)
    yield url.render_as_string(hide_password=False), name
    run(database, f"DROP OWNED BY {name}", f"DROP USER {name}")


def test_a_user_who_may_create_nothing_learns_which_right_is_missing(guest):
    url, name = guest
    message = refused(url)
    assert f"GRANT CREATE ON SCHEMA public TO {name}" in message


def test_a_user_without_a_schema_is_refused(guest, database):
    url, name = guest
    run(database, f"ALTER USER {name} SET search_path = nowhere")
    assert "may use no schema of its search_path" in refused(url)


@pytest.mark.parametrize("by", ["migrate", "check_schema"])
def test_a_user_who_may_not_write_is_refused_at_the_start(guest, database, by):
    url, name = guest
    with Ledger(database) as ledger:
        ledger.migrate()
    run(database, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
    message = refused(url, by=by)
    assert f"The user {name} may not read and write the ledger's table" in message
    run(
        database,
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}",
    )
    with Ledger(url) as ledger:
        getattr(ledger, by)()


def test_a_user_who_does_not_own_an_older_ledger_learns_who_must_migrate(guest, database):
    url, name = guest
    with Ledger(database) as ledger:
        ledger.migrate()
    run(
        database,
        "UPDATE alembic_version SET version_num = '0010'",
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}",
        f"GRANT CREATE ON SCHEMA public TO {name}",
    )
    assert "run `issuance migrate` as the owner of the tables" in refused(url)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_an_encoding_that_cannot_hold_every_text_is_refused(postgres_url, encoding):
    name = f"issuance_test_{encoding.lower()}"
    run(
        postgres_url,
        f"DROP DATABASE IF EXISTS {name}",
        f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' "
        "TEMPLATE template0",
    )
    url = make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    message = refused(url)
    run(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")
    assert f"has the encoding {encoding}" in message
    assert "ENCODING 'UTF8'" in message


def test_the_clients_encoding_does_not_depend_on_the_environment(database, monkeypatch):
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    with Ledger(database) as ledger, ledger.read() as connection:
        assert connection.scalar(text("SELECT 'जारी'")) == "जारी"


def test_an_old_sqlite_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.34.1")
    with pytest.raises(LedgerError) as error:
        Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    assert re.fullmatch(r"SQLite 3\.34\.1 is too old .* needs 3\.35: .*", str(error.value))
    assert not (tmp_path / "ledger.db").exists()
