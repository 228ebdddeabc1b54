"""A campaign in the ledger and in the hostile stub's record, compared by requestId."""

import math
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic_core import from_json

from tests.hostile.stub import StubEntry

_ROWS = """
SELECT lines.request_id, lines.reward_id, lines.state, lines.requested_quantity, lines.quantity,
       lines.vouchers, lines.settled_at, jobs.customer, jobs.accepted_at
FROM lines
JOIN jobs ON jobs.number = lines.job_number
JOIN campaigns ON campaigns.id = lines.campaign_id
WHERE campaigns.name = ?
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One accepted row as the ledger has it; times are in seconds since 1970."""

    request_id: str
    customer: str
    reward_id: str
    state: str
    """`waiting` until it is settled."""
    requested: int
    quantity: int
    vouchers: frozenset[str]
    accepted_at: float
    settled_at: float | None

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Self:
        """Read a row of the query."""
        settled_at = found["settled_at"]
        return cls(
            request_id=found["request_id"],
            customer=found["customer"].partition(":")[2],
            reward_id=str(found["reward_id"]),
            state=found["state"],
            requested=found["requested_quantity"],
            quantity=found["quantity"] or 0,
            vouchers=frozenset(from_json(found["vouchers"] or "[]")),
            accepted_at=found["accepted_at"] / 1000,
            settled_at=None if settled_at is None else settled_at / 1000,
        )


def read_rows(ledger: Path, campaign: str) -> list[Row]:
    """A campaign's rows."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [Row.read(dict(found)) for found in connection.execute(_ROWS, [campaign])]


@dataclass(frozen=True, repr=False)
class Run:
    """A campaign, or a part of it, at one moment.

    Attributes:
        rows: the ledger's.
        books: the stub's, by requestId.
    """

    rows: Sequence[Row]
    books: Mapping[str, StubEntry]

    def without(self, customers: Collection[str]) -> Self:
        """The rows of all other customers."""
        rows = [row for row in self.rows if row.customer not in customers]
        return type(self)(rows, self.books)

    @property
    def is_settled(self) -> bool:
        """Whether all rows are settled."""
        return all(row.settled_at is not None for row in self.rows)

    @property
    def states(self) -> Counter[str]:
        """The number of rows in each state."""
        return Counter(row.state for row in self.rows)

    @property
    def calls(self) -> list[float]:
        """The times of its calls at the stub, in order."""
        entries = (self.books.get(row.request_id) for row in self.rows)
        return sorted(call for entry in entries if entry is not None for call in entry.calls)

    @property
    def seconds(self) -> float:
        """From the first call to the newest settlement."""
        settled = [row.settled_at for row in self.rows if row.settled_at is not None]
        return max(settled, default=math.nan) - min(self.calls, default=math.nan)

    @property
    def waited_seconds(self) -> float:
        """From the first row's acceptance to the first call."""
        return min(self.calls, default=math.nan) - min(row.accepted_at for row in self.rows)

    def calls_between(self, begin: float, end: float) -> int:
        """The number of its calls at the stub in this time."""
        return sum(begin <= call < end for call in self.calls)

    def __repr__(self) -> str:
        states = ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))
        return f"{states} in {self.seconds:.1f} s with {len(self.calls)} calls"

    def check(self) -> None:
        """Assert that every row was issued exactly once, in the ledger and in the stub."""
        assert self.rows
        assert self.is_settled, f"not settled: {self}"
        assert [*self._unlike(), *self._second_requests()] == []

    def _unlike(self) -> Iterator[str]:
        for row in self.rows:
            entry = self.books.get(row.request_id)
            if row.state != "issued" or entry is None:
                yield f"{row.request_id}: {row.state}, the stub has {entry}"
            elif (row.requested, row.vouchers, 1) != (entry.issued, entry.vouchers, entry.bodies):
                yield f"{row.request_id}: {row} is not {entry}"

    def _second_requests(self) -> Iterator[str]:
        pairs = Counter((row.customer, row.reward_id) for row in self.rows)
        return (f"{pair}: {count} requestIds" for pair, count in pairs.items() if count > 1)
