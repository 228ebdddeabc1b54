"""What a database must offer the ledger. A module of this package implements it as `DIALECT`.

A new database needs a module, an entry in `NAMES`, its triggers in migrations 0008 and 0014, and
its scheme in `config.settings`; then `tests/contract/ledger` checks it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum, auto
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, Engine, Insert, Table
from sqlalchemy.engine import URL

NAMES = ("sqlite", "postgresql")
"""The databases that a ledger can be kept in: as in URLs, and the modules of this package."""
WRITES = "issuance_write"
"""The execution option of a transaction that may write."""
# An error's text must not show customers and vouchers.
ENGINE_OPTIONS: dict[str, Any] = {"hide_parameters": True}

Rows = Sequence[tuple[Any, ...]]
Rights = Mapping[str, Sequence[str]]
"""By table: SELECT, INSERT, UPDATE, DELETE."""


class Lock(Enum):
    """What only one transaction may do at a time, whatever rows it writes."""

    MIGRATION = auto()
    RELEASE = auto()
    LETTER_GROUPS = auto()


class Dialect(ABC):
    """One database.

    Statements on many rows are the driver's own: SQLAlchemy would make a dict of each row and check
    every value, which costs more than the statement itself.
    """

    name: str
    read_options: Mapping[str, Any]
    """Execution options with which a transaction that only reads sees one state."""
    appends_counts: bool
    """Triggers append each change of a count instead of adding it up (`queries.counters`)."""
    accepts_in_threads: bool
    """Acceptance is worth a thread of its own; otherwise only its commit is."""
    overwrites: bool
    """What an update or a deletion replaces is overwritten at once in the database's file."""
    returns_space: bool
    """`compact` gives free space back to the disk."""
    plans_by_statistics: bool
    """The planner needs `analyse` while much is accepted."""
    off_index: str
    """Written before a column's name, it keeps the planner from the column's index."""
    dump_command: str
    """The database's own tool for a backup; empty: a ledger is a file that `backup` copies."""
    load_command: str
    """The database's own tool for a restore."""

    @abstractmethod
    def engine(self, url: URL, *, durable: bool, reply_seconds: float | None) -> Engine:
        """Make an engine; `durable` and `reply_seconds`: see `Ledger`."""

    @abstractmethod
    def check_database(self, connection: Connection, *, changes: bool) -> None:
        """Make sure that the database can hold a ledger; `changes`: and that it may be migrated.

        Raises:
            LedgerError: it cannot: another encoding, or no rights.
        """

    @abstractmethod
    def check_rights(self, connection: Connection, rights: Rights) -> None:
        """Make sure that we have these rights on the ledger's tables.

        Raises:
            LedgerError: one is missing.
        """

    @abstractmethod
    def grant_rights(self, connection: Connection, role: str, rights: Rights) -> None:
        """Give a role these rights on the ledger's tables, and no others to change them.

        Raises:
            LedgerError: there is no such role, or the database has no roles.
        """

    @contextmanager
    def wait_without_limit(self, connection: Connection) -> Iterator[None]:  # noqa: ARG002
        """Let statements of the `with` take as long as they need."""
        yield

    @contextmanager
    def reading_much(self, connection: Connection) -> Iterator[None]:  # noqa: ARG002
        """Prepare for reading a large part of the database in the `with`."""
        yield

    @abstractmethod
    def file(self, url: URL) -> Path | None:
        """Return the file that holds the database; None when a server does."""

    @abstractmethod
    def lock(self, connection: Connection, lock: Lock) -> None:
        """Wait until no other transaction holds the lock, and hold it until the end of this one."""

    @abstractmethod
    def upsert(
        self,
        table: Table,
        values: Mapping[str, Any],
        *,
        keys: Sequence[str],
        changes: Mapping[str, Any],
    ) -> Insert:
        """Insert a row, or change the one that has the same keys; no changes: leave it."""

    @abstractmethod
    def execute_rows(self, connection: Connection, statement: str, rows: Rows) -> None:
        """Run a statement once for each row; its parameters are written `?`."""

    @abstractmethod
    def insert_rows(
        self, connection: Connection, table: str, columns: Sequence[str], rows: Rows
    ) -> None:
        """Insert rows.

        Raises:
            DBAPIError: like any other statement, for example IntegrityError for a duplicate key.
        """

    @abstractmethod
    def add_rows(
        self, connection: Connection, table: str, columns: Mapping[str, str], rows: Rows
    ) -> None:
        """Insert those rows whose keys are not there; `columns`: each with its type."""

    @abstractmethod
    def update_rows(
        self,
        connection: Connection,
        table: str,
        values: Mapping[str, str],
        keys: Mapping[str, str],
        rows: Rows,
    ) -> None:
        """Update the rows with these keys, no key twice.

        Args:
            connection: the transaction.
            table: its name.
            values: the columns to write, each with its type in standard SQL.
            keys: the columns that identify a row, with their types.
            rows: for each row the values, then the keys.
        """

    @abstractmethod
    def rows_among(
        self, connection: Connection, query: str, values: Sequence[Any]
    ) -> Iterable[Any]:
        """Run a query that ends in a column's name, for the rows in which it has these values."""

    @abstractmethod
    def block_digests(
        self, connection: Connection, campaign_id: int, first: int, last: int
    ) -> Iterable[bytes]:
        """Digest a campaign's jobs of these numbers in blocks, see `issuance.campaign_digest`.

        Jobs that are cancelled or replaced are left out: they are not issued.
        """

    @abstractmethod
    def next_job_numbers(self, connection: Connection, count: int) -> list[int]:
        """Allocate job numbers, ascending, so that rows accepted together are stored together."""

    @abstractmethod
    def compact_counters(self, connection: Connection, limit: int) -> None:
        """Add appended changes to the counters, where triggers append them; at most `limit`."""

    @abstractmethod
    def analyse(self, connection: Connection) -> None:
        """Refresh the planner's statistics of jobs and lines."""

    @abstractmethod
    def analysed_jobs(self, connection: Connection) -> int:
        """Return how many jobs the planner's statistics know of; 0 without statistics."""

    @abstractmethod
    def compact(self, engine: Engine) -> None:
        """Make the space of removed rows free for new ones, or give it back to the disk."""

    @abstractmethod
    def empty_log(self, engine: Engine) -> bool:
        """Empty the write-ahead log, which holds earlier versions of rows.

        Returns:
            Whether it is empty. It is not while a process reads, and a server keeps its log.
        """


@cache
def dialect_named(name: str) -> Dialect:
    """Return the dialect with this SQLAlchemy name. Its driver is imported at the first call."""
    return cast("Dialect", import_module(f"ledger.store.dialects.{name}").DIALECT)


def dialect_of(connection: Connection) -> Dialect:
    """Return the dialect of a transaction's database."""
    return dialect_named(connection.dialect.name)
