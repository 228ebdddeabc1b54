"""Retention: the release prunes old jobs itself, a little in each round, if a setting says so."""

import time
from collections.abc import Callable, Iterator

import structlog
from sqlalchemy.exc import DBAPIError

from ledger.audit_log import Operator
from ledger.retention.pruning import Page, prune, record_pruning
from ledger.store.database import Ledger
from worker.ledger_retry import first_line

log = structlog.get_logger("issuance.release")

_RELEASE = Operator("release", way="system")
_DAY_SECONDS = 86_400
_PAGE_JOBS = 100
"""Jobs per transaction: workers wait for it on SQLite."""
_BUDGET_SECONDS = 0.1
"""No page begins later than this in a round."""
_REST_SHARE = 9
"""After a round's pages nothing is pruned for this many times as long as they took."""
_PAUSE_SECONDS = 600.0
"""From the end of a pass over the ledger to the next one, or after an error."""


class Retention:
    """Prunes what was settled too long ago, in pages that fit between the release's rounds.

    It archives nothing. A pass begins with the oldest jobs and continues over any number of rounds;
    another process that prunes at the same time does no harm.

    Args:
        ledger: the record.
        days: the age in days from which on settled jobs are removed; 0: never.
        clock: the monotonic clock, in seconds.
    """

    def __init__(
        self, ledger: Ledger, days: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger = ledger
        self._days = days
        self._clock = clock
        self._pages: Iterator[Page] | None = None
        self._removed = Page(0, 0, 0)
        self._rests_until = 0.0

    def prune_a_little(self) -> int:
        """Prune pages within this round's budget; return how many jobs were removed.

        If the ledger is unavailable, a later round does it.
        """
        began = self._clock()
        if self._days == 0 or began < self._rests_until:
            return 0
        before = self._removed.jobs
        try:
            is_over = self._prune_until(began + _BUDGET_SECONDS)
            done = self._removed.jobs - before
            if is_over:
                self._end_pass()
        except DBAPIError as error:
            log.warning("ledger_unavailable", error=first_line(error))
            self._pages = None
            self._rests_until = self._clock() + _PAUSE_SECONDS
            return 0
        ended = self._clock()
        self._rests_until = ended + (_PAUSE_SECONDS if is_over else _REST_SHARE * (ended - began))
        return done

    def _prune_until(self, deadline: float) -> bool:
        """Prune at least one page; return whether the pass is over."""
        if self._pages is None:
            seconds = self._days * _DAY_SECONDS
            self._pages = prune(
                self._ledger,
                older_than_seconds=seconds,
                page_jobs=_PAGE_JOBS,
                operator=_RELEASE,
            )
        for page in self._pages:
            jobs, lines = self._removed.jobs + page.jobs, self._removed.lines + page.lines
            self._removed = Page(jobs, lines, 0)
            if self._clock() >= deadline:
                return False
        return True

    def _end_pass(self) -> None:
        removed, self._removed, self._pages = self._removed, Page(0, 0, 0), None
        if removed.jobs:
            what = (
                f"jobs: {removed.jobs}, lines: {removed.lines}, settled more than "
                f"{self._days} days ago (ISSUANCE_RETENTION_DAYS)"
            )
            record_pruning(self._ledger, _RELEASE, what)
            log.info(
                "jobs_pruned", jobs=removed.jobs, lines=removed.lines, older_than_days=self._days
            )
