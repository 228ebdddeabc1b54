"""A ledger with a past: half of its jobs are settled, as after some campaigns."""

from sqlalchemy import text

from ledger.store.database import Ledger

_SETTLE = (
    "UPDATE lines SET state = 'issued', code = 200, settled_at = 1 WHERE job_number % 2 = 0",
    (
        "UPDATE jobs SET state = 'issued', open_lines = 0, attempts = 1, settled_at = accepted_at "
        "WHERE number % 2 = 0"
    ),
)


def settle_half(ledger_url: str) -> None:
    """Settle every other job, which is much faster than issuing it and equal for every index."""
    with Ledger(ledger_url) as ledger:
        with ledger.write() as connection:
            for statement in _SETTLE:
                connection.execute(text(statement))
        if ledger.dialect.name == "postgresql":
            with ledger.engine.connect().execution_options(
                isolation_level="AUTOCOMMIT"
            ) as connection:
                connection.execute(text("VACUUM ANALYZE"))
