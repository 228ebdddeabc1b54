"""A PostgreSQL on another machine is verified, unless the URL says otherwise."""

from pathlib import Path

import certifi
import pytest
from sqlalchemy import create_engine

from ledger.store.database import ledger_url
from ledger.store.dialects import postgresql_tls
from ledger.store.dialects.postgresql_tls import system_bundle, tls_options

_DIALECT = create_engine("postgresql+psycopg://").dialect
VERIFIED = {"sslmode": "verify-full", "sslrootcert": system_bundle()}


def options_of(url):
    _, given = _DIALECT.create_connect_args(ledger_url(url))
    return tls_options(given)


@pytest.fixture(autouse=True)
def _no_variables_of_libpq(monkeypatch, tmp_path):
    for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGSSLMODE", "PGSSLROOTCERT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///x",
        "postgresql:///x?host=/run/postgresql",
        "postgresql:///x?host=%40abstract",
        "postgresql://u:p@localhost:1/x",
        "postgresql+psycopg://127.0.0.1/x",
        "postgresql://[::1]/x",
        "postgresql://127.0.0.1,localhost:2/x",
        "postgresql://db.test/x?hostaddr=127.0.0.1",
        "postgresql:///x?host=localhost:1&host=127.0.0.1:2",
        "postgresql://db.test/x?host=localhost",
    ],
)
def test_a_server_on_this_machine_needs_no_certificate(url):
    assert options_of(url) == {}


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db.test/x",
        "postgresql+psycopg://u:p@10.0.0.1:1/x",
        "postgresql:///x?host=db.test",
        "postgresql:///x?host=localhost&host=db.test",
        "postgresql://localhost,db.test/x",
        "postgresql://localhost/x?host=db.test",
        "postgresql:///x?host=localhost:1&host=db.test:2",
        "postgresql://localhost/x?hostaddr=10.0.0.1",
        "postgresql:///x?service=ledger",
    ],
)
def test_any_other_server_proves_its_name_to_the_systems_authorities(url):
    assert options_of(url) == VERIFIED


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("sslmode=disable", {}),
        ("sslmode=require", {}),
        ("sslmode=verify-ca&sslrootcert=/ca.pem", {}),
        ("sslmode=verify-full", {"sslrootcert": system_bundle()}),
        ("sslrootcert=system", VERIFIED),
        ("sslrootcert=/ca.pem", {"sslmode": "verify-full"}),
    ],
)
def test_what_the_url_says_is_left_as_it_is(query, options):
    assert options_of(f"postgresql://db.test/x?{query}") == options


@pytest.mark.parametrize(
    ("variable", "value", "options"),
    [
        ("PGHOST", "db.test", VERIFIED),
        ("PGHOSTADDR", "10.0.0.1", VERIFIED),
        ("PGHOST", "/run/postgresql", {}),
        ("PGHOST", "localhost", {}),
    ],
)
def test_the_server_may_be_named_by_libpqs_variables(monkeypatch, variable, value, options):
    monkeypatch.setenv(variable, value)
    assert options_of("postgresql:///x") == options


def test_authorities_that_libpq_is_given_otherwise_are_used(monkeypatch, tmp_path):
    monkeypatch.setenv("PGSSLROOTCERT", "/ca.pem")
    assert options_of("postgresql://db.test/x") == {"sslmode": "verify-full"}
    monkeypatch.delenv("PGSSLROOTCERT")
    own = tmp_path / ".postgresql/root.crt"
    own.parent.mkdir()
    own.touch()
    assert options_of("postgresql://db.test/x") == {"sslmode": "verify-full"}


def test_the_systems_authorities_are_found_where_openssl_or_the_system_has_them(
    monkeypatch, tmp_path
):
    named = tmp_path / "named.pem"
    named.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(named))
    assert system_bundle() == str(named)
    monkeypatch.setenv("SSL_CERT_FILE", "/absent.pem")
    assert Path(system_bundle()).is_file()
    monkeypatch.setattr(postgresql_tls, "_BUNDLES", ())
    assert system_bundle() == certifi.where()
