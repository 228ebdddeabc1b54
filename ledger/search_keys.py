"""Search keys: find the jobs of a voucher or transaction by keyed digests, without the texts."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, func, select

from issuance.outcome import LineOutcome
from issuance.search_key import SearchDigests, block_of
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import search_keys

_COLUMNS = {"block": "bigint", "digest": "bigint", "job_number": "bigint"}
_BLOCKS_AT_ONCE = 4_096

_Row = tuple[int, int, int]


def write_search_keys(
    connection: Connection,
    key: bytes,
    shown: Iterable[tuple[int, Sequence[LineOutcome]]],
) -> None:
    """Write the keys of what replies have shown, by job; those that are there stay.

    Args:
        connection: the transaction that records the replies.
        key: the ledger's key for `Purpose.SEARCH`.
        shown: jobs' numbers with the outcomes of their lines.
    """
    texts = [
        (number, line.vouchers, line.transaction_ids)
        for number, of_job in shown
        for line in of_job
        if line.vouchers or line.transaction_ids
    ]
    add_search_keys(connection, key_rows(SearchDigests(key), texts))


def key_rows(
    digests: SearchDigests, texts: Iterable[tuple[int, Iterable[str], Iterable[str]]]
) -> list[_Row]:
    """Return the rows of jobs' vouchers and transactions, in the order of the table."""
    # One for each issued line: a loop is faster than generators.
    rows: set[_Row] = set()
    of_voucher, of_transaction = digests.of_voucher, digests.of_transaction
    for number, vouchers, transaction_ids in texts:
        block = block_of(number)
        for code in vouchers:
            rows.add((block, of_voucher(code), number))
        for transaction_id in transaction_ids:
            rows.add((block, of_transaction(transaction_id), number))
    return sorted(rows)


def add_search_keys(connection: Connection, rows: Sequence[_Row]) -> None:
    """Add rows; those that are there stay."""
    dialect_of(connection).add_rows(connection, search_keys.name, _COLUMNS, rows)


def jobs_with_keys(connection: Connection, digests: Sequence[int]) -> list[int]:
    """Return the numbers of the jobs that have one of these digests, ascending."""
    last = connection.scalar(select(func.max(search_keys.c.block)))
    found: set[int] = set()
    for start in range(0, 0 if last is None else last + 1, _BLOCKS_AT_ONCE):
        blocks = range(start, min(start + _BLOCKS_AT_ONCE, last + 1))
        found |= _in_blocks(connection, blocks, digests)
    return sorted(found)


def _in_blocks(connection: Connection, blocks: range, digests: Sequence[int]) -> set[int]:
    wanted = ", ".join(map(str, digests))
    query = f"SELECT job_number FROM search_keys WHERE digest IN ({wanted}) AND block"  # noqa: S608  # numbers
    return {number for (number,) in dialect_of(connection).rows_among(connection, query, blocks)}


def remove_search_keys(connection: Connection, job_numbers: Sequence[int]) -> None:
    """Remove the keys of jobs whose texts are removed too."""
    blocks = {block_of(number) for number in job_numbers}
    connection.execute(
        delete(search_keys).where(
            search_keys.c.block.in_(blocks), search_keys.c.job_number.in_(job_numbers)
        )
    )
