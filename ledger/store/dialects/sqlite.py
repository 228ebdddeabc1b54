"""SQLite: one file, one writer at a time, in WAL mode."""

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Insert, Table, create_engine, event, text
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import URL
from sqlalchemy.ext.compiler import compiles

from files.private import NotPrivateError, create_if_missing, make_folder, tighten
from issuance.campaign_digest import BLOCK_JOBS, block_digest
from ledger.store.clock import now_ms
from ledger.store.dialects.dialect import ENGINE_OPTIONS, WRITES, Dialect, Lock, Rights, Rows
from ledger.store.errors import LedgerError

_OLDEST = (3, 35)  # the first with RETURNING
_BUSY_SECONDS = 30
_AGAIN_SECONDS = 0.02
_LOGS = ("-wal", "-shm", "-journal")
_CACHE_KIB = 32_768
_LARGE_CACHE_KIB = 262_144
_TRUNCATE_MS = 1_000
_TRUNCATE_TRIES = 5
_CHECKPOINT_PAGES = 16_384
"""64 MiB of log between checkpoints; SQLite's 4 MiB would copy the same pages more often."""

_JOB_BODIES = """
SELECT CAST(id AS BLOB), body FROM jobs WHERE number BETWEEN ? AND ? AND campaign_id = ?
AND state NOT IN ('cancelled', 'replaced') ORDER BY number
"""


class SQLite(Dialect):
    """SQLite. Its writers take turns, so locks and a sequence of numbers are not needed."""

    name = "sqlite"
    read_options: Mapping[str, Any] = {}
    appends_counts = False
    # The driver releases the interpreter for each row, and a busy thread is slow to give it back.
    accepts_in_threads = False
    overwrites = True
    returns_space = True
    plans_by_statistics = False
    off_index = "+"
    dump_command = ""
    load_command = ""

    def engine(self, url: URL, *, durable: bool, reply_seconds: float | None) -> Engine:  # noqa: ARG002  # a file answers
        """Make an engine, and the folder of its file."""
        _check_version()
        file = self.file(url)
        if file is not None:
            _make_folder(file.parent)
        engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, **ENGINE_OPTIONS)
        _set_up(engine, durable=durable)
        if file is not None:
            _keep_private(engine, file)
        return engine

    def check_database(self, connection: Connection, *, changes: bool) -> None:
        """Do nothing: a file holds every text, and has one owner."""

    def check_rights(self, connection: Connection, rights: Rights) -> None:
        """Do nothing, as above."""

    def grant_rights(self, connection: Connection, role: str, rights: Rights) -> None:  # noqa: ARG002
        """Refuse: a file has an owner, and no roles."""
        raise LedgerError(
            "SQLite has no roles: leave --grant-to out, or name a PostgreSQL ledger in "
            "ISSUANCE_LEDGER_URL"
        )

    @contextmanager
    def reading_much(self, connection: Connection) -> Iterator[None]:
        """Let the cache grow, or pages are read from the file many times."""
        connection.exec_driver_sql(f"PRAGMA cache_size=-{_LARGE_CACHE_KIB}")
        try:
            yield
        finally:
            connection.exec_driver_sql(f"PRAGMA cache_size=-{_CACHE_KIB}")

    def file(self, url: URL) -> Path | None:
        """Return the file; None for a database in memory."""
        in_memory = not url.database or url.database == ":memory:"
        return None if in_memory else Path(url.database or "")

    def lock(self, connection: Connection, lock: Lock) -> None:
        """Do nothing: a writing transaction locks the file at its start."""

    def upsert(
        self,
        table: Table,
        values: Mapping[str, Any],
        *,
        keys: Sequence[str],
        changes: Mapping[str, Any],
    ) -> Insert:
        """Use ON CONFLICT."""
        statement = insert(table).values(values)
        if not changes:
            return statement.on_conflict_do_nothing(index_elements=keys)
        return statement.on_conflict_do_update(index_elements=keys, set_=changes)

    def execute_rows(self, connection: Connection, statement: str, rows: Rows) -> None:
        """Use the driver's executemany."""
        if rows:
            connection.exec_driver_sql(statement, list(rows))

    def insert_rows(
        self, connection: Connection, table: str, columns: Sequence[str], rows: Rows
    ) -> None:
        """Use the driver's executemany."""
        names, places = ", ".join(columns), ", ".join("?" * len(columns))
        self.execute_rows(connection, f"INSERT INTO {table} ({names}) VALUES ({places})", rows)  # noqa: S608  # our names

    def add_rows(
        self, connection: Connection, table: str, columns: Mapping[str, str], rows: Rows
    ) -> None:
        """Use the driver's executemany."""
        names, places = ", ".join(columns), ", ".join("?" * len(columns))
        statement = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({places})"  # noqa: S608  # our names
        self.execute_rows(connection, statement, rows)

    def update_rows(
        self,
        connection: Connection,
        table: str,
        values: Mapping[str, str],
        keys: Mapping[str, str],
        rows: Rows,
    ) -> None:
        """Use the driver's executemany."""
        settings = ", ".join(f"{column} = ?" for column in values)
        condition = " AND ".join(f"{column} = ?" for column in keys)
        self.execute_rows(connection, f"UPDATE {table} SET {settings} WHERE {condition}", rows)  # noqa: S608  # our names

    def rows_among(
        self, connection: Connection, query: str, values: Sequence[Any]
    ) -> Iterable[Any]:
        """Pass each value as a parameter of its own."""
        places = ", ".join("?" * len(values))
        return connection.exec_driver_sql(f"{query} IN ({places})", tuple(values))

    def block_digests(
        self, connection: Connection, campaign_id: int, first: int, last: int
    ) -> Iterable[bytes]:
        """Read the bodies by the driver's own cursor, which costs half of SQLAlchemy's."""
        driver: Any = connection.connection.driver_connection
        cursor = driver.execute(_JOB_BODIES, (first, last, campaign_id))
        while block := cursor.fetchmany(BLOCK_JOBS):
            yield block_digest(block)

    def next_job_numbers(self, connection: Connection, count: int) -> list[int]:
        """Continue from the highest number, which pruning keeps."""
        first = (connection.scalar(text("SELECT max(number) FROM jobs")) or 0) + 1
        return list(range(first, first + count))

    def compact_counters(self, connection: Connection, limit: int) -> None:
        """Do nothing: triggers add changes up at once."""

    def analyse(self, connection: Connection) -> None:
        """Do nothing: SQLite plans without statistics."""

    def analysed_jobs(self, connection: Connection) -> int:  # noqa: ARG002
        """Return 0: there are no statistics."""
        return 0

    def compact(self, engine: Engine) -> None:
        """Rewrite the file as small as it can be. Needs as much free disk; writers wait."""
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("VACUUM")
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.invalidate()
            connection.close()

    def empty_log(self, engine: Engine) -> bool:
        """Copy the log into the file and truncate it, unless a process reads for too long.

        Writers wait meanwhile, so that each try is short.
        """
        connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout={_TRUNCATE_MS}")
            for _ in range(_TRUNCATE_TRIES):
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                if cursor.fetchall()[0][0] == 0:  # not busy
                    return True
                time.sleep(_AGAIN_SECONDS)
        finally:
            connection.invalidate()  # the pool must not hand it out with this timeout
            connection.close()
        return False


DIALECT = SQLite()


@compiles(now_ms, "sqlite")
def _now_ms(_element: now_ms, _compiler: Any, **_: Any) -> str:
    return "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"


def _make_folder(folder: Path) -> None:
    try:
        make_folder(folder)
    except OSError as error:
        raise LedgerError(
            f"The ledger's folder {folder} cannot be made: {error.strerror}. "
            "Check ISSUANCE_LEDGER_URL and ISSUANCE_HOME"
        ) from error


def _keep_private(engine: Engine, file: Path) -> None:
    """Let only the owner read the file; SQLite gives its log and index the same rights."""

    @event.listens_for(engine, "do_connect")
    def _create(*_: Any) -> None:
        path = Path(os.path.realpath(file))
        try:
            with suppress(OSError):  # SQLite says why it cannot use it
                create_if_missing(path)
            for suffix in _LOGS:
                tighten(Path(f"{path}{suffix}"))
        except NotPrivateError as error:
            raise LedgerError(str(error)) from error


def _check_version() -> None:
    if sqlite3.sqlite_version_info < _OLDEST:
        wanted = ".".join(map(str, _OLDEST))
        raise LedgerError(
            f"SQLite {sqlite3.sqlite_version} is too old for a ledger, which needs {wanted}: use a "
            "Python with a newer one, or a PostgreSQL in ISSUANCE_LEDGER_URL"
        )


def _set_up(engine: Engine, *, durable: bool) -> None:
    @event.listens_for(engine, "connect")
    def _connect(dbapi_connection: Any, _record: Any) -> None:
        # The driver must not open transactions by itself: `_begin` does, so that a writer takes the
        # lock first instead of failing when it upgrades a read.
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        _switch_to_wal(cursor)
        cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        cursor.execute("PRAGMA foreign_keys=OFF")  # see migration 0009
        # Some builds of SQLite leave what was replaced in the file, where an erased customer would
        # be found.
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        cursor.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _switch_to_wal(cursor: Any) -> None:
    """Switch a new file to WAL.

    While another process does so, SQLite refuses at once, without waiting for the busy timeout.
    """
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
