"""The recorder of a worker child: writes results to the ledger in groups."""

import threading
import time
from collections.abc import Callable, Iterable
from queue import SimpleQueue

import structlog

from ledger.dispatch.claimed_jobs import Claim
from ledger.results.attempts import Result
from worker.chunk.batching import gather_groups
from worker.chunk.open_chunk import Arrival, OpenChunk

log = structlog.get_logger("issuance.worker")

RecordGroup = Callable[[Claim, list[Result]], list[Result]]
"""Records results of one chunk and returns those that the ledger took."""


class Recorder:
    """Records the results of this process's open chunks, in a thread of its own.

    Args:
        record: records results of one chunk in one transaction. Its exception ends the recording
            of that chunk.
    """

    def __init__(self, record: RecordGroup) -> None:
        self._record = record
        self._arrivals: SimpleQueue[Arrival | None] = SimpleQueue()
        self._open: dict[OpenChunk, None] = {}
        self._thread = threading.Thread(target=self._run, name="issuance-recorder", daemon=True)
        self._thread.start()

    def put(self, arrival: Arrival) -> None:
        """Accept a result or a marker. Thread-safe."""
        self._arrivals.put(arrival)

    def begin(self, chunk: OpenChunk) -> None:
        """Expect results of a chunk until its end."""
        self._open[chunk] = None

    @property
    def open_chunks(self) -> list[str]:
        """The ids of the chunks that are not finished."""
        return [chunk.claim.chunk_id for chunk in list(self._open)]

    def await_all(self, within_seconds: float) -> bool:
        """Wait until every open chunk is finished; False after a timeout."""
        until = time.monotonic() + within_seconds
        open_chunks = list(self._open)
        if open_chunks:
            log.info("open_calls_awaited", chunks=len(open_chunks))
        return all(chunk.finished.wait(max(0.0, until - time.monotonic())) for chunk in open_chunks)

    def end(self) -> None:
        """Record all accepted results, then end the thread."""
        self._arrivals.put(None)
        self._thread.join()

    def _run(self) -> None:
        for group in gather_groups(self._arrivals):
            for chunk, results in _by_chunk(group):
                self._record_safely(chunk, results)
            for arrival in group:
                self._mark(arrival)

    def _record_safely(self, chunk: OpenChunk, results: list[Result]) -> None:
        if chunk.error is not None:
            return
        try:
            chunk.count(self._record(chunk.claim, results))
        except Exception as error:  # noqa: BLE001  # the other chunks' results must still be recorded
            chunk.fail(error)

    def _mark(self, arrival: Arrival) -> None:
        if arrival.reached is None:
            return
        arrival.reached.set()
        if arrival.chunk.finished.is_set():
            self._open.pop(arrival.chunk, None)
            arrival.chunk.close()
            arrival.chunk.handed_over.set()


def _by_chunk(group: Iterable[Arrival]) -> Iterable[tuple[OpenChunk, list[Result]]]:
    results: dict[OpenChunk, list[Result]] = {}
    for arrival in group:
        if arrival.result is not None:
            results.setdefault(arrival.chunk, []).append(arrival.result)
    return results.items()
