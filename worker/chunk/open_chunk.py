"""An open chunk: claimed by this child, with results still to be recorded."""

import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from ledger.dispatch.claims import Claim
from ledger.results.recording import Result

if TYPE_CHECKING:
    from concurrent.futures import Future

log = structlog.get_logger("issuance.worker")


class OpenChunk:
    """A chunk on its way from its claim to its last recorded result.

    Args:
        claim: its jobs are not kept, for one slow call may keep a chunk open for long.
        put: takes what arrives, for the recorder.
        carry: notes the open chunks, before a message is acknowledged that does not wait for them.
    """

    def __init__(
        self, claim: Claim, put: Callable[["Arrival"], None], carry: Callable[[], Awaitable[None]]
    ) -> None:
        self.claim = replace(claim, jobs=())
        self.handed_over = threading.Event()
        """Set when what has ended is recorded, and the child may take its next chunk."""
        self.finished = threading.Event()
        """Set when every result is recorded."""
        self.error: Exception | None = None
        """Why results could not be recorded. Their jobs, and those of all later results, are left to
        their lease."""
        self.break_off: Callable[[], None] = lambda: None
        """Lets no further call start; may be called from any thread."""
        self._put = put
        self._carry = carry
        self._expected = len(claim.jobs)

    def add(self, result: Result) -> None:
        """Have a result recorded. Called from the event loop's thread, as the following are."""
        self._expected -= 1
        self._put(Arrival(self, result, ends_group=self._expected == 0))

    async def hand_over(self) -> None:
        """Let the child take its next chunk as soon as what came until now is recorded."""
        await self._carry()
        self._put(Arrival(self, None, self.handed_over, ends_group=True))

    def end(self, issuing: "Future[None]") -> None:
        """Note that the last call has ended."""
        error = issuing.exception()
        if error is not None and self.handed_over.is_set():  # else the task raises it
            log.error("chunk_failed", chunk_id=self.claim.chunk_id, exc_info=error)
        self._put(Arrival(self, None, self.finished, ends_group=True))

    def fail(self, error: Exception) -> None:
        """Give up recording: what cannot be recorded must not be sent. In the recorder's thread."""
        self.error = error
        self.break_off()
        if self.handed_over.is_set():
            log.error("recording_failed", chunk_id=self.claim.chunk_id, exc_info=error)
        self.handed_over.set()


@dataclass(slots=True, eq=False)
class Arrival:
    """A result on its way to the ledger, or a mark among them."""

    chunk: OpenChunk
    result: Result | None
    reached: threading.Event | None = None
    """A mark's: to be set when all before it is recorded."""
    ends_group: bool = False
    """Whether it is recorded without waiting for more."""
