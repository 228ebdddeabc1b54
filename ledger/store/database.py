"""Opening the ledger: SQLite (WAL) or PostgreSQL by URL, its transactions, and its schema's version."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from ledger.store.commit_log import OPTION, tell_events
from ledger.store.errors import LedgerError, SchemaMismatchError
from ledger.store.schema import REVISION

_BUSY_SECONDS = 30
_CONNECT_SECONDS = 5
_AGAIN_SECONDS = 0.02
_CACHE_KIB = 32_768
_CHECKPOINT_PAGES = 16_384
"""64 MiB of log before SQLite copies it into the file, for its own 4: pages that many commits write are copied once."""
# "issua": any number, as long as all of this program's versions use the same
_MIGRATION_LOCK = 0x6973737561
# An error's text must not show customers and vouchers.
_ENGINE: dict[str, Any] = {"hide_parameters": True}


class Ledger:
    """An open ledger. Operations are functions of this package that take it first.

    Args:
        url: `sqlite:///path`, or `postgresql://…` (psycopg 3).
        durable: True where a commit must survive a power cut (acceptance, operators' actions).
            Workers pass False on SQLite: a lost outcome is resent with the same requestId, which is
            safe. On PostgreSQL the server's own setting decides.
    """

    def __init__(self, url: str, *, durable: bool = True) -> None:
        self.engine = _create_engine(url, durable=durable)
        self.dialect = self.engine.dialect.name
        # PostgreSQL shows each statement another state by default; then a balance would not add up.
        options = {"isolation_level": "REPEATABLE READ"} if self.dialect == "postgresql" else {}
        self._reader = self.engine.execution_options(**options)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write; on SQLite it takes the write lock at its start.

        What was noted in it for the log is told when it has committed.
        """
        noted: list[Any] = []
        options = {"issuance_write": True, OPTION: noted}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection
        tell_events(noted)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that only reads, on one consistent state."""
        with self._reader.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def migrate(self) -> None:
        """Bring the schema to this program's version; safe to run again, and cheap when there is nothing to do."""
        with _explained(), self.write() as connection:
            if self.dialect == "postgresql":
                # On SQLite the write lock is enough; here two processes would both find no schema,
                # and both make it.
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK}
                )
            if _revision(connection) != REVISION:
                from ledger.store.migration import upgrade  # noqa: PLC0415  # Alembic's imports, for the one time

                upgrade(connection)

    def check_schema(self) -> None:
        """Make sure that the schema is the one this program knows.

        Raises:
            SchemaMismatchError: it is older, newer or missing.
            LedgerError: the database cannot be reached.
        """
        with _explained(), self.read() as connection:
            found = _revision(connection)
        if found != REVISION:
            raise SchemaMismatchError(
                f"The ledger's schema is {found or 'missing'}, this program needs {REVISION}. {_remedy(found)}"
            )


def _remedy(found: str | None) -> str:
    if found is None:
        return "Run `issuance migrate`"
    if found < REVISION:
        return "Stop every process, make a backup, run `issuance migrate`, or start the program version that fits it"
    return "This program is older than the ledger: start the program version that fits it, and never migrate back"


def _revision(connection: Connection) -> str | None:
    """The schema's version as Alembic wrote it down; None when there is no schema."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        said = " ".join(str(error.orig).split()).rstrip(".?")
        raise LedgerError(
            f"The ledger cannot be used: {said}. Check ISSUANCE_LEDGER_URL"
        ) from error


_NO_URL = "ISSUANCE_LEDGER_URL is not a database URL such as sqlite:///ledger.db or postgresql://user@host/name"


def _create_engine(url: str, *, durable: bool) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise LedgerError(_NO_URL) from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise LedgerError(_NO_URL)
    if parsed.get_backend_name() == "postgresql":
        # A URL's own `?connect_timeout=` goes first; without one an unreachable host would be
        # awaited for minutes.
        parsed = parsed.set(drivername="postgresql+psycopg").update_query_dict(
            {"connect_timeout": parsed.query.get("connect_timeout", str(_CONNECT_SECONDS))}
        )
        return create_engine(parsed, pool_pre_ping=True, pool_size=3, **_ENGINE)
    if parsed.database and parsed.database != ":memory:":
        _make_folder(Path(parsed.database).parent)
    engine = create_engine(parsed, connect_args={"timeout": _BUSY_SECONDS}, **_ENGINE)
    _set_up_sqlite(engine, durable=durable)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(
            f"The ledger's folder {folder} cannot be made: {error.strerror}. "
            "Check ISSUANCE_LEDGER_URL and ISSUANCE_HOME"
        ) from error


def _set_up_sqlite(engine: Engine, *, durable: bool) -> None:
    @event.listens_for(engine, "connect")
    def _connect(dbapi_connection: Any, _record: Any) -> None:
        # The driver must not open transactions by itself: `_begin` does, so that a writer takes the
        # lock first instead of failing when it upgrades a read.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        _switch_to_wal(cursor)
        cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        cursor.execute("PRAGMA foreign_keys=OFF")  # see migration 0009
        cursor.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        cursor.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("issuance_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _switch_to_wal(cursor: Any) -> None:
    """Make a new file WAL. SQLite refuses that at once, without its busy timeout, while another process does it."""
    give_up_at = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(_AGAIN_SECONDS)
        else:
            return
