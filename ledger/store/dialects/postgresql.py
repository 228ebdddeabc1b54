"""PostgreSQL, by psycopg 3."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import Error
from sqlalchemy import Connection, Engine, Insert, Table, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles

from issuance.campaign_digest import BLOCK_JOBS
from ledger.store.clock import now_ms
from ledger.store.dialects.dialect import Dialect, Lock, Rights, Rows
from ledger.store.dialects.postgresql_connection import make_engine
from ledger.store.dialects.postgresql_fitness import (
    check_database,
    check_rights,
    grant_rights,
)

# These keys must be the same in all versions of this program.
_LOCKS = {
    Lock.MIGRATION: text("SELECT pg_advisory_xact_lock(x'6973737561'::bigint)"),
    Lock.RELEASE: text("SELECT pg_advisory_xact_lock(hashtext('issuance release'))"),
    Lock.LETTER_GROUPS: text("SELECT pg_advisory_xact_lock(hashtext('issuance letter groups'))"),
}
_TRY_LOCK_COUNTERS = text("SELECT pg_try_advisory_xact_lock(hashtext('issuance tallies'))")
# One statement, so that every reader finds a change either appended or added.
_COMPACT_COUNTERS = text("""
WITH chosen AS (SELECT id FROM tally_deltas ORDER BY id LIMIT :limit),
     gone AS (DELETE FROM tally_deltas USING chosen WHERE tally_deltas.id = chosen.id
              RETURNING tally_deltas.campaign_id, tally_deltas.org_id, tally_deltas.reward,
                        tally_deltas.state, tally_deltas.delta, tally_deltas.units,
                        tally_deltas.points)
INSERT INTO tallies (campaign_id, org_id, reward, state, line_count, units, points)
SELECT campaign_id, org_id, reward, state, sum(delta), sum(units), sum(points)
FROM gone GROUP BY campaign_id, org_id, reward, state
ON CONFLICT (campaign_id, org_id, reward, state) DO UPDATE SET
    line_count = tallies.line_count + excluded.line_count,
    units = tallies.units + excluded.units, points = tallies.points + excluded.points
""")
# Block by block along the key: one statement for all of them would sort every body on the disk.
_BLOCK_DIGEST = text("""
SELECT max(number) AS last, sha256(string_agg(
    convert_to(id, 'UTF8') || decode('0a', 'hex') || body, decode('0a', 'hex') ORDER BY number
)) AS digest
FROM (SELECT number, id, body FROM jobs
      WHERE number BETWEEN :first AND :last AND campaign_id = :campaign_id
      AND state NOT IN ('cancelled', 'replaced') ORDER BY number LIMIT :block) AS chosen
""")


class PostgreSQL(Dialect):
    """PostgreSQL."""

    name = "postgresql"
    # By default each statement sees another state, and a balance would not add up.
    read_options: Mapping[str, Any] = {"isolation_level": "REPEATABLE READ"}
    # Workers would wait for each other's transactions at a counter's row.
    appends_counts = True
    accepts_in_threads = True
    overwrites = False
    returns_space = False
    plans_by_statistics = True
    off_index = ""  # its planner has statistics
    dump_command = "pg_dump --format=custom --file=FILE"
    load_command = "pg_restore --dbname=URL-OF-AN-EMPTY-DATABASE FILE"

    def engine(self, url: URL, *, durable: bool, reply_seconds: float | None) -> Engine:
        """Make an engine; the server's setting decides what is durable."""
        return make_engine(url, reply_seconds=reply_seconds, for_worker=not durable)

    def check_database(self, connection: Connection, *, changes: bool) -> None:
        """Check its encoding and our rights on the schema."""
        check_database(connection, changes=changes)

    def check_rights(self, connection: Connection, rights: Rights) -> None:
        """Check our rights on the tables."""
        check_rights(connection, rights)

    def grant_rights(self, connection: Connection, role: str, rights: Rights) -> None:
        """Grant them, with those on sequences."""
        grant_rights(connection, role, rights)

    @contextmanager
    def wait_without_limit(self, connection: Connection) -> Iterator[None]:
        """Lift the limit of the connection."""
        driver: Any = connection.connection.driver_connection
        limit, driver.reply_seconds = driver.reply_seconds, None
        try:
            yield
        finally:
            driver.reply_seconds = limit

    def file(self, url: URL) -> Path | None:  # noqa: ARG002
        """Return None: a server holds the database."""
        return None

    def lock(self, connection: Connection, lock: Lock) -> None:
        """Take an advisory lock."""
        connection.execute(_LOCKS[lock])

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
        """Use the driver's executemany, which pipelines."""
        if rows:
            connection.exec_driver_sql(statement.replace("?", "%s"), list(rows))

    def insert_rows(
        self, connection: Connection, table: str, columns: Sequence[str], rows: Rows
    ) -> None:
        """Use COPY, which costs the server a fraction of as many INSERTs."""
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        driver: Any = connection.connection.driver_connection
        try:
            with driver.cursor() as cursor, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
        except Error as error:
            # As SQLAlchemy would raise it, without the rows, which are customers'.
            raise DBAPIError.instance(
                statement, None, error, Error, hide_parameters=True, dialect=connection.dialect
            ) from error

    def add_rows(
        self, connection: Connection, table: str, columns: Mapping[str, str], rows: Rows
    ) -> None:
        """Insert in one statement."""
        if not rows:
            return
        lists = ", ".join(f"%s::{kind}[]" for kind in columns.values())
        statement = (
            f"INSERT INTO {table} ({', '.join(columns)}) "  # noqa: S608  # our names
            f"SELECT * FROM unnest({lists}) ON CONFLICT DO NOTHING"
        )
        connection.exec_driver_sql(statement, tuple(map(list, zip(*rows, strict=True))))

    def update_rows(
        self,
        connection: Connection,
        table: str,
        values: Mapping[str, str],
        keys: Mapping[str, str],
        rows: Rows,
    ) -> None:
        """Update in one statement, so that triggers fire once."""
        if not rows:
            return
        settings = ", ".join(f"{column} = given.{column}" for column in values)
        condition = " AND ".join(f"{table}.{column} = given.{column}" for column in keys)
        lists = ", ".join(f"%s::{kind}[]" for kind in (*values.values(), *keys.values()))
        statement = (
            f"UPDATE {table} SET {settings} "  # noqa: S608  # our names
            f"FROM unnest({lists}) AS given({', '.join((*values, *keys))}) WHERE {condition}"
        )
        connection.exec_driver_sql(statement, tuple(map(list, zip(*rows, strict=True))))

    def rows_among(
        self, connection: Connection, query: str, values: Sequence[Any]
    ) -> Iterable[Any]:
        """Pass all values as one array."""
        return connection.exec_driver_sql(f"{query} = ANY(%s)", (list(values),))

    def block_digests(
        self, connection: Connection, campaign_id: int, first: int, last: int
    ) -> Iterable[bytes]:
        """Let the server digest the blocks: only the digests travel."""
        chosen = {"campaign_id": campaign_id, "last": last, "block": BLOCK_JOBS}
        while first <= last:
            found = connection.execute(_BLOCK_DIGEST, chosen | {"first": first}).one()
            if found.last is None:
                return
            yield bytes(found.digest)
            first = found.last + 1

    def next_job_numbers(self, connection: Connection, count: int) -> list[int]:
        """Take them from the sequence."""
        statement = text("SELECT nextval('job_numbers') FROM generate_series(1, :count)")
        return list(connection.execute(statement, {"count": count}).scalars())

    def compact_counters(self, connection: Connection, limit: int) -> None:
        """Add changes up, unless another transaction does.

        It never blocks: writers append to other rows, and of two concurrent compactions one takes
        the advisory lock and the other returns.
        """
        if connection.scalar(_TRY_LOCK_COUNTERS):
            connection.execute(_COMPACT_COUNTERS, {"limit": limit})

    def analyse(self, connection: Connection) -> None:
        """Run ANALYZE, unless autovacuum has the table locked for the same purpose."""
        connection.execute(text("ANALYZE (SKIP_LOCKED) jobs, lines"))

    def analysed_jobs(self, connection: Connection) -> int:
        """Read the planner's estimate of jobs."""
        estimate = text("SELECT reltuples FROM pg_class WHERE oid = 'jobs'::regclass")
        return max(0, int(connection.scalar(estimate) or 0))  # -1: never analysed

    def compact(self, engine: Engine) -> None:
        """Run VACUUM now instead of waiting for autovacuum; nothing waits for it."""
        connection = engine.raw_connection()
        try:
            driver: Any = connection.driver_connection
            driver.autocommit, driver.reply_seconds = True, None
            connection.cursor().execute(
                "VACUUM (ANALYZE) jobs, lines, attempts, dead_letters, tombstones"
            )
        finally:
            connection.invalidate()  # the pool must not hand it out with autocommit
            connection.close()

    def empty_log(self, engine: Engine) -> bool:  # noqa: ARG002
        """Return False: the server decides how long it keeps its log, and standbys have it too."""
        return False


DIALECT = PostgreSQL()


@compiles(now_ms, "postgresql")
def _now_ms(_element: now_ms, _compiler: Any, **_: Any) -> str:
    # Not clock_timestamp(): it changes within a statement, so no index on a time could be used.
    return "CAST(extract(epoch FROM statement_timestamp()) * 1000 AS BIGINT)"
