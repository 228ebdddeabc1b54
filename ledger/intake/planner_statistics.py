"""Keeps the planner's statistics current while many jobs are accepted.

PostgreSQL plans by its last ANALYZE. Autovacuum analyses a growing table once a minute; until then
the planner expects many rows per job number, and reads the whole table to find a few thousand jobs.
"""

from ledger.store.database import Ledger

_LEAST_JOBS = 5_000
_TIMES = 3
"""The tables are analysed when this many times the known number of jobs were added."""


class Statistics:
    """Analyses PostgreSQL's tables as they grow; SQLite needs no statistics.

    Each producer has one. Call `added` and `close` after commits, from one thread at a time.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: int | None = None
        self._added = 0

    def added(self, jobs: int) -> None:
        """Report accepted jobs; when this analyses the tables, it takes about a second."""
        self._added += jobs
        self._analyse_after(_TIMES)

    def close(self) -> None:
        """Analyse once more if the number of jobs has doubled since the last time."""
        self._analyse_after(1)

    def _analyse_after(self, times: int) -> None:
        if not self._ledger.dialect.plans_by_statistics or self._added < _LEAST_JOBS:
            return
        if self._known is None:
            with self._ledger.read() as connection:
                self._known = self._ledger.dialect.analysed_jobs(connection)
        if self._added >= times * self._known:
            with self._ledger.write() as connection:
                self._ledger.dialect.analyse(connection)
            self._known += self._added
            self._added = 0
