"""Opens the ledger by URL, runs its transactions and checks its schema's version."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, OperationalError

from issuance.derived_keys import Purpose
from issuance.server_url_text import UNREADABLE, is_readable
from ledger.store.commit_log import AFTER, OPTION, write_log
from ledger.store.dialects.dialect import NAMES, WRITES, Lock, dialect_named
from ledger.store.errors import LedgerAwayError, LedgerError, SchemaMismatchError
from ledger.store.ownership import find_revision
from ledger.store.schema import REVISION, RIGHTS
from ledger.store.secret import GIVEN, KEYS, Keys, read_keys, settle_secret
from ledger.store.several_hosts import with_hosts_in_query

_REPLY_SECONDS = {True: 120.0, False: 30.0}


class Ledger:
    """An open ledger: the first argument of every function of this package.

    Args:
        url: `sqlite:///path`, or `postgresql://…` (psycopg 3).
        durable: whether a commit must survive a power cut, as for acceptance and operators'
            actions. Workers pass False: a lost outcome is resent with the same requestId, which is
            safe. Only SQLite heeds it; on PostgreSQL the server's setting decides.
        reply_seconds: how long a server may be silent during a statement, before the connection is
            given up; None: 120, and 30 for workers, whose transactions are short.
        secret: the deployment's secret, 32 bytes; None: the ledger has it.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        durable: bool = True,
        reply_seconds: float | None = None,
        secret: bytes | None = None,
    ) -> None:
        parsed = ledger_url(url)
        self.dialect = dialect_named(parsed.get_backend_name())
        self.engine = self.dialect.engine(
            parsed, durable=durable, reply_seconds=reply_seconds or _REPLY_SECONDS[durable]
        )
        self._reader = self.engine.execution_options(**self.dialect.read_options)
        self._secret = secret
        self._keys: Keys | None = None

    def key(self, purpose: Purpose) -> bytes:
        """Return the key for a purpose, derived from the deployment's secret.

        Not to be called within a transaction of this ledger: the first call opens one.

        Raises:
            SecretError: the deployment's secret is missing, or is not this ledger's.
        """
        return self.keys[purpose]

    @property
    def keys(self) -> Keys:
        """The keys of the deployment's secret; see `key`."""
        if self._keys is None:
            with self.read() as connection:
                return self._keys_within(connection)
        return self._keys

    def _keys_within(self, connection: Connection) -> Keys:
        if self._keys is None:
            self._keys = read_keys(connection, self._secret)
        return self._keys

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that may write; on SQLite it takes the write lock at its start.

        Its log entries are written after the commit.
        """
        entries: list[Any] = []
        after: list[Callable[[], object]] = []
        options = {WRITES: True, OPTION: entries, AFTER: after}
        options |= {KEYS: self._keys_within, GIVEN: self._secret}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection
        for function in after:
            function()
        write_log(entries)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads, and sees one consistent state."""
        with self._reader.connect() as connection, connection.begin():
            yield connection

    def forget_connections(self) -> object:
        """In a forked child: use none of the parent's connections.

        Returns:
            The connections. The child must keep them and never close them.
        """
        pool = self.engine.pool
        self.engine.dispose(close=False)
        return pool

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def migrate(
        self,
        record: Callable[[Connection, str, str], None] | None = None,
        *,
        former_secret: bytes | None = None,
    ) -> None:
        """Upgrade the schema to this program's version. Without pending migrations it is cheap.

        Args:
            record: records an upgrade in its transaction, with the versions before and after it;
                "" before the first.
            former_secret: the secret for a ledger that has none yet and no file has; None: a new
                one is made.

        Raises:
            SchemaMismatchError: a newer program has migrated this ledger.
            SecretError: the ledger needs another secret than the given one; nothing has changed.
            LedgerError: the database cannot be reached or used.
        """
        with (
            _explained(),
            self.write() as connection,
            self.dialect.wait_without_limit(connection),
        ):
            # Otherwise two processes could both find no schema, and both create it.
            self.dialect.lock(connection, Lock.MIGRATION)
            found = find_revision(connection)
            changes = found != REVISION
            self.dialect.check_database(connection, changes=changes)
            if changes:
                from ledger.store.migration import upgrade  # noqa: PLC0415  # imports Alembic

                upgrade(connection, self._secret or former_secret)
            self.dialect.check_rights(connection, RIGHTS)
            settle_secret(connection, self._secret)
            self._keys = None
            if changes and record is not None:
                record(connection, found or "", REVISION)

    def grant_rights(self, role: str, record: Callable[[Connection], None] | None = None) -> None:
        """Let a role of PostgreSQL use the ledger, which this connection's user owns.

        It may read and write the ledger's tables, but neither change nor drop them; to the audit
        log it may only add. It is safe to run again, and needed again after each migration.

        Args:
            role: a role that exists.
            record: records it in its transaction.

        Raises:
            LedgerError: there is no such role, or the database has no roles.
        """
        with _explained(), self.write() as connection:
            self.dialect.grant_rights(connection, role, RIGHTS)
            if record is not None:
                record(connection)

    def check_schema(self) -> None:
        """Make sure that the schema has this program's version, and the ledger our secret.

        Raises:
            SchemaMismatchError: the schema is older, newer or missing.
            SecretError: the deployment's secret is missing, or is not this ledger's.
            LedgerError: the database cannot be reached.
        """
        with _explained(), self.read() as connection:
            found = find_revision(connection)
            if found == REVISION:
                self.dialect.check_rights(connection, RIGHTS)
                self._keys = read_keys(connection, self._secret)
        if found != REVISION:
            raise SchemaMismatchError(
                f"The ledger's schema is {found or 'missing'}, this program needs {REVISION}. "
                f"{_remedy(found)}"
            )


def _remedy(found: str | None) -> str:
    if found is None:
        return "Run `issuance migrate`"
    if found < REVISION:
        return (
            "Stop every process, make a backup, run `issuance migrate`, "
            "or start the program version that fits it"
        )
    return (
        "This program is older than the ledger: start the program version that fits it, "
        "and never migrate back"
    )


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        said = " ".join(str(error.orig).split()).rstrip(".?")
        kind = LedgerAwayError if is_away(error) else LedgerError
        raise kind(f"The ledger cannot be used: {said}. {_remedy_of(error)}") from error


def _remedy_of(error: DatabaseError) -> str:
    if getattr(error.orig, "sqlstate", None) == _NO_RIGHTS:
        return "Grant its user the rights, or run `issuance migrate` as the owner of the tables"
    if any(words in str(error.orig) for words in _NOT_TRUSTED):
        return (
            "A server on another machine must prove its name (sslmode=verify-full): name its "
            "authority in ISSUANCE_LEDGER_TLS_CA, and write the host as its certificate has it; "
            "on a network that you trust add ?sslmode=disable to ISSUANCE_LEDGER_URL"
        )
    return "Check ISSUANCE_LEDGER_URL"


_NO_RIGHTS = "42501"
_NOT_TRUSTED = ("certificate", "does not support SSL")
_WRONG_SETTINGS = (
    "authentication failed",
    "does not exist",
    "no pg_hba.conf entry",
    "no password",
    *_NOT_TRUSTED,
)
_AWAY_STATES = ("08", "53", "57P")
"""SQLSTATEs of PostgreSQL: connection lost, too many connections, shutting down or starting up."""


def is_away(error: DBAPIError) -> bool:
    """Whether the ledger's server is away for a while; a wrong setting or statement is not that."""
    if isinstance(error.orig, sqlite3.Error):
        return "locked" in str(error.orig)
    if error.connection_invalidated:
        return True
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if state:
        return state.startswith(_AWAY_STATES)
    # A failed connection has no SQLSTATE, only the server's or the system's words.
    return isinstance(error, OperationalError) and not any(
        words in str(error.orig) for words in _WRONG_SETTINGS
    )


_NO_URL = (
    "ISSUANCE_LEDGER_URL is not a database URL such as sqlite:///ledger.db "
    "or postgresql://user@host/name"
)


def ledger_file(url: str) -> Path | None:
    """Return the file that holds a ledger; None when a server does.

    Raises:
        LedgerError: it is no ledger's URL.
    """
    parsed = ledger_url(url)
    return dialect_named(parsed.get_backend_name()).file(parsed)


def require_ledger_file(url: str) -> None:
    """Make sure that SQLite's file exists, because opening it would create it.

    It is absent when its volume is not mounted, or before the system's first start.

    Raises:
        LedgerError: there is no file.
    """
    file = ledger_file(url)
    if file is not None and not file.exists():
        raise LedgerError(
            f"There is no ledger at {file}: check ISSUANCE_LEDGER_URL and ISSUANCE_HOME, or run "
            "`issuance migrate` to create it"
        )


def ledger_url(url: str | URL) -> URL:
    """Parse a ledger's URL.

    Raises:
        LedgerError: it is none, or of a database that holds no ledgers.
    """
    parsed = url if isinstance(url, URL) else _parse(url)
    if parsed.get_backend_name() not in NAMES:
        raise LedgerError(_NO_URL)
    return parsed


def _parse(url: str) -> URL:
    if url.startswith("postgresql") and not is_readable(url):
        # Otherwise a part of the password would be taken for the host, and shown.
        raise LedgerError(f"ISSUANCE_LEDGER_URL {UNREADABLE.format(name='LEDGER')}")
    try:
        return make_url(with_hosts_in_query(url))
    except (ArgumentError, ValueError):
        raise LedgerError(_NO_URL) from None
