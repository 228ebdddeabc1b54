"""The progress of a chunk: which of its jobs have begun and which have ended."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Iterable
from typing import TypeVar

from issuance.fingerprints import Fingerprints
from ledger.dispatch.claimed_jobs import ClaimedJob
from worker.chunk.places import Places

T = TypeVar("T")

_WAIT_SECONDS = 0.25


class Progress:
    """The progress of one claimed chunk. Not thread-safe: use it in the event loop's thread.

    Jobs are dropped from memory early, since one slow call may keep a chunk open.

    Args:
        jobs: the claimed jobs.
        places: the child's places.
        fingerprints: makes the customers' fingerprints.
    """

    def __init__(
        self, jobs: Iterable[ClaimedJob], places: Places, fingerprints: Fingerprints
    ) -> None:
        self.turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """A lock for each customer: one call at a time."""
        self.all_begun = asyncio.Event()
        """Set when each job was sent or given back, or waits for its customer's other call."""
        self.begun = 0
        """Jobs that were sent or given back."""
        self._places = places
        self._left = {job.number: job for job in jobs}
        self._customers = {job.number: fingerprints.of(job.customer) for job in self._left.values()}
        self._behind: set[int] = set()
        # A job that has lost a worker may be poison, so no other chunk's calls run with it.
        self.is_alone = any(job.claims > 1 for job in self._left.values())

    @property
    def left(self) -> list[ClaimedJob]:
        """The jobs that have neither begun nor been given back."""
        return list(self._left.values())

    @property
    def customers(self) -> set[str]:
        """The fingerprints of customers whose jobs have not ended."""
        return set(self._customers.values())

    def customer_of(self, job: ClaimedJob) -> str:
        """Return the fingerprint of an unfinished job's customer."""
        return self._customers[job.number]

    def open(self) -> None:
        """Add the jobs to the child's unfinished ones."""
        self._places.add_jobs(len(self._customers))

    async def room(self, wanted: int) -> int:
        """Wait a moment for room; return for how many of `wanted` jobs slots may be reserved."""
        if self.is_alone:
            only_these = len(self._customers)
            if not await self._places.of_child.falls_to(only_these, _WAIT_SECONDS):
                return 0
        return await self._places.room(wanted, _WAIT_SECONDS)

    def begin(self, job: ClaimedJob) -> None:
        """Mark a job as sent or given back."""
        self.begun += self._left.pop(job.number, None) is not None
        self._behind.discard(job.number)
        self._check()

    def end(self, job: ClaimedJob) -> None:
        """Mark a job as ended: it has its result or never will."""
        if self._customers.pop(job.number, None) is not None:
            self._places.end_jobs()

    async def track(self, job: ClaimedJob, call: Awaitable[T]) -> T:
        """Await the call of a job that has a slot, and count it meanwhile."""
        waits_for_customer = self.turns[self._customers[job.number]].locked()
        if waits_for_customer:
            self._places.reserved.fall()  # it cannot start yet; others can
            self._behind.add(job.number)
            self._check()
        try:
            return await call
        finally:
            if not waits_for_customer:
                self._places.reserved.fall()
            self.end(job)

    def close(self) -> None:
        """Mark all remaining jobs as ended."""
        self._places.end_jobs(len(self._customers))
        self._customers.clear()

    def _check(self) -> None:
        if len(self._left) == len(self._behind):
            self.all_begun.set()
