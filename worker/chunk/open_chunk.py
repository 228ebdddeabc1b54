"""An open chunk: claimed by this child, with results that are not recorded yet."""

import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from ledger.dispatch.claimed_jobs import Claim
from ledger.results.attempts import Result
from worker.chunk.chunk_result import ChunkResult, count_results

if TYPE_CHECKING:
    from concurrent.futures import Future

log = structlog.get_logger("issuance.worker")


class OpenChunk:
    """A chunk from its claim to its last recorded result.

    Args:
        claim: the claim; its jobs are not kept, since one slow call may keep a chunk open.
        put: passes an arrival to the recorder.
        carry: saves which chunks are open, before a message is acknowledged without waiting.
        is_urgent: whether a result must be recorded without waiting for others.
    """

    def __init__(
        self,
        claim: Claim,
        put: Callable[["Arrival"], None],
        carry: Callable[[], Awaitable[None]],
        is_urgent: Callable[[Result], bool] = lambda _: False,
    ) -> None:
        self.claim = replace(claim, jobs=())
        self.handed_over = threading.Event()
        """Set when ended calls are recorded and the child may take its next chunk."""
        self.finished = threading.Event()
        """Set when every result is recorded."""
        self.error: Exception | None = None
        """Why results could not be recorded. Their jobs and those of all later results wait for
        their lease to lapse."""
        self.break_off: Callable[[], None] = lambda: None
        """Starts no further call. Thread-safe."""
        self.show_end: Callable[[ChunkResult], None] = lambda _: None
        """Shows the final result when the chunk ends after its task. Thread-safe."""
        self._left: ChunkResult | None = None
        self._leaving = threading.Lock()
        self._put = put
        self._carry = carry
        self._is_urgent = is_urgent
        self._expected = len(claim.jobs)
        self._claimed = len(claim.jobs)
        self._counts: Counter[str] = Counter()

    def add(self, result: Result) -> None:
        """Pass a result to the recorder. This and the next two run in the event loop's thread."""
        self._expected -= 1
        is_urgent = self._is_urgent(result)
        self._put(Arrival(self, result, ends_group=is_urgent or self._expected == 0))

    async def hand_over(self) -> None:
        """Let the child take its next chunk as soon as the results until now are recorded."""
        await self._carry()
        self._put(Arrival(self, None, self.handed_over, ends_group=True))

    def end(self, issuing: "Future[None]") -> None:
        """Mark the end of the last call."""
        error = issuing.exception()
        if error is not None and self.handed_over.is_set():  # otherwise the task raises it
            log.error("chunk_failed", chunk_id=self.claim.chunk_id, exc_info=error)
        self._put(Arrival(self, None, self.finished, ends_group=True))

    def count(self, recorded: Iterable[Result]) -> None:
        """Count recorded results. Runs in the recorder's thread."""
        self._counts = self._counts + count_results(recorded)  # a new one: others may read the old

    @property
    def result(self) -> ChunkResult:
        """What is recorded until now."""
        return ChunkResult(self._claimed, self._counts)

    def leave(self) -> ChunkResult:
        """Return the result with which the task returns."""
        with self._leaving:
            self._left = self.result
            return self._left

    def close(self) -> None:
        """Show the result if the task has returned another one; in the recorder's thread."""
        with self._leaving:
            if self._left in (None, self.result):
                return
        self.show_end(self.result)

    def fail(self, error: Exception) -> None:
        """Give up recording and send no more. Runs in the recorder's thread."""
        self.error = error
        self.break_off()
        if self.handed_over.is_set():
            log.error("recording_failed", chunk_id=self.claim.chunk_id, exc_info=error)
        self.handed_over.set()


@dataclass(slots=True, eq=False)
class Arrival:
    """A result on its way to the ledger, or a marker between results."""

    chunk: OpenChunk
    result: Result | None
    reached: threading.Event | None = None
    """The marker's event, set when all results before it are recorded."""
    ends_group: bool = False
    """Whether the group is recorded without waiting for more."""
