"""Counts a file's rows for the same customer and reward, on disk and in flat memory."""

import sqlite3
from hashlib import blake2b
from typing import NamedTuple, Self

from issuance.customer import Customer

_CACHE_KIB = 16_384
_HASH_BYTES = 16
"""Of a billion different rows, two have the same hash with a probability of less than 10^-20."""

_COUNT = (
    "INSERT INTO seen (hash, count, first_line) VALUES (?, 1, ?) "
    "ON CONFLICT (hash) DO UPDATE SET count = count + 1 RETURNING count, first_line"
)


class Occurrence(NamedTuple):
    """A row among those of the same customer and reward, in the file's order."""

    number: int
    """1 for the first."""
    first_line: int
    """The file's line of the first."""


class Occurrences:
    """Counts rows of one file; used with `with`.

    The counts lie in a temporary database that the operating system removes even if the process is
    killed. Only hashes are in it, no customer.
    """

    def __init__(self) -> None:
        # An empty name is SQLite's own for a private file in the folder for temporary files.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute(
            "CREATE TABLE seen (hash BLOB PRIMARY KEY, count INTEGER NOT NULL, first_line INTEGER NOT NULL) "
            "WITHOUT ROWID"
        )
        self._database.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def count(self, customer: Customer, reward_id: int, line: int) -> Occurrence:
        """Count one more row."""
        # A customer's canonical form holds no line break that could make two pairs one.
        name = f"{reward_id}\n{customer.canonical}".encode()
        counted = self._database.execute(
            _COUNT, (blake2b(name, digest_size=_HASH_BYTES).digest(), line)
        )
        return Occurrence(*counted.fetchone())
