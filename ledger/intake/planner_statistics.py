"""The planner's statistics, kept true while much is accepted.

PostgreSQL plans by what it last counted. Autovacuum counts a filled table once a minute; until then
it takes a job for one of many with the same number, and to look up a few thousand it reads the
whole table.
"""

from ledger.store.database import Ledger

_LEAST_JOBS = 5_000
_TIMES = 3
"""Jobs are counted again when so many times as many were added as there were."""


class Statistics:
    """Has PostgreSQL count its tables again as they grow; SQLite plans without counting.

    One producer's; `added` and `close` after commits, from any thread but one at a time.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._counted: int | None = None
        self._added = 0

    def added(self, jobs: int) -> None:
        """Tell of jobs that were accepted; once in a while this takes a second."""
        self._added += jobs
        self._count_when(_TIMES)

    def close(self) -> None:
        """End: what was added since the last time is counted now if it is as much as there was."""
        self._count_when(1)

    def _count_when(self, times: int) -> None:
        if not self._ledger.dialect.plans_by_statistics or self._added < _LEAST_JOBS:
            return
        if self._counted is None:
            with self._ledger.read() as connection:
                self._counted = self._ledger.dialect.analysed_jobs(connection)
        if self._added >= times * self._counted:
            with self._ledger.write() as connection:
                self._ledger.dialect.analyse(connection)
            self._counted += self._added
            self._added = 0
