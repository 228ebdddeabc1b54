"""The transactionNumbers that callers give: each is unique among all jobs (rewards-api §8)."""

from collections.abc import Sequence

from sqlalchemy import Connection

from issuance.job import Job
from ledger.store.dialects.dialect import dialect_of

_GIVEN = "SELECT transaction_number, source_line FROM jobs WHERE transaction_number"
# Without a number of its own, a job sends its id, which is its first line's requestId.
_OWN = "SELECT request_id, 0 FROM lines WHERE position = 0 AND request_id"


def taken_numbers(connection: Connection, batch: Sequence[Job]) -> dict[str | None, int]:
    """Find which transactionNumbers of these jobs are taken.

    Returns:
        By number, the row of the file that has it; 0 if it came from no file.
    """
    given = [job.transaction_number for job in batch if job.transaction_number is not None]
    if not given:
        return {}
    rows_among = dialect_of(connection).rows_among
    return {
        number: line
        for query in (_OWN, _GIVEN)
        for number, line in rows_among(connection, query, given)
    }
