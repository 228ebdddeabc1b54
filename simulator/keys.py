"""What the simulator remembers of each requestId, so that a repeated call does not issue twice."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.statuses import KEY_MISMATCH, RefusalError, Status
from simulator.transactions import Transaction, Unit


@dataclass(slots=True)
class Event:
    """One issue request with its set of requestIds; `failed` once a call ended without a single unit.

    A failed event is not processed again; one with at least one unit is: its missing units are
    issued when the same request is sent again (rewards-api §5).
    """

    fingerprint: bytes
    failed: bool = False
    refusal: Status | None = None


@dataclass(slots=True)
class Progress:
    """How far one requestId has come, over all calls that carried it."""

    event: Event
    transactions: tuple[Transaction, ...] = ()
    failure: Status | None = None

    @property
    def units(self) -> list[Unit]:
        """Every unit issued under this requestId."""
        return [unit for transaction in self.transactions for unit in transaction.units]


class KeyStore:
    """All requestIds ever accepted; they are unique across customers and never forgotten."""

    def __init__(self) -> None:
        self._known: dict[str, Progress] = {}

    def event_for(self, request_ids: Sequence[str], fingerprint: bytes) -> Event:
        """The event these requestIds belong to, new if none was seen; 10003 if the request differs."""
        known = [
            self._known[request_id].event for request_id in request_ids if request_id in self._known
        ]
        if not known:
            event = Event(fingerprint)
            self._known.update((request_id, Progress(event)) for request_id in request_ids)
            return event
        # The fingerprint covers every reward element, so an equal one means an equal set of
        # requestIds.
        if known[0].fingerprint != fingerprint:
            raise RefusalError(KEY_MISMATCH)
        return known[0]

    def progress_of(self, request_id: str | None, event: Event) -> Progress:
        """The progress under a requestId; a line without one has no memory, so no protection."""
        return Progress(event) if request_id is None else self._known[request_id]
