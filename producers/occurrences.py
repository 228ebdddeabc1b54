"""Counts a file's rows of the same customer and reward, on disk and in constant memory."""

import sqlite3
from hashlib import blake2b
from secrets import token_bytes
from typing import NamedTuple, Self

from issuance.customer import Customer

_CACHE_KIB = 16_384
_KEY_BYTES = 32
_HASH_BYTES = 16
"""The probability that two of a billion different rows have the same hash is below 10^-20."""

_COUNT = (
    "INSERT INTO seen (hash, count, first_line) VALUES (?, 1, ?) "
    "ON CONFLICT (hash) DO UPDATE SET count = count + 1 RETURNING count, first_line"
)


class Occurrence(NamedTuple):
    """A row's position among the rows of the same customer and reward, in the file's order."""

    number: int
    """1 for the first row."""
    first_line: int
    """The line number of the first row."""


class Occurrences:
    """Counts rows of one file; a context manager.

    The counts are in a temporary database, which the operating system removes even if the process
    is killed. It holds only hashes, keyed with a random key, and no customer.
    """

    def __init__(self) -> None:
        self._keyed = blake2b(key=token_bytes(_KEY_BYTES), digest_size=_HASH_BYTES)
        # SQLite makes a private temporary file for an empty name.
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute(
            "CREATE TABLE seen (hash BLOB PRIMARY KEY, count INTEGER NOT NULL, "
            "first_line INTEGER NOT NULL) WITHOUT ROWID"
        )
        self._database.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def count(self, customer: Customer, reward: int | str, line: int) -> Occurrence:
        """Count one more row."""
        # A canonical customer has no line break, so different pairs have different names.
        named = reward if isinstance(reward, int) else f"external:{reward}"
        name = f"{named}\n{customer.canonical}".encode()
        keyed = self._keyed.copy()
        keyed.update(name)
        counted = self._database.execute(_COUNT, (keyed.digest(), line))
        return Occurrence(*counted.fetchone())
