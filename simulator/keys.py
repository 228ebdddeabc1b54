"""What the simulator remembers of each requestId, so that a repeated call does not issue twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from simulator.statuses import KEY_MISMATCH, RefusalError, Status
from simulator.transactions import Transaction, Unit


@dataclass(slots=True)
class Progress:
    """How far one requestId has come, over all calls that carried it."""

    transactions: list[Transaction] = field(default_factory=list)
    failure: Status | None = None

    @property
    def units(self) -> list[Unit]:
        """Every unit issued under this requestId."""
        return [unit for transaction in self.transactions for unit in transaction.units]


@dataclass(slots=True)
class Event:
    """One issue request with its set of requestIds; `failed` once a call ended without a single unit.

    A failed event is not processed again; one with at least one unit is: its missing units are issued
    when the same request is sent again (rewards-api §5).
    """

    fingerprint: bytes
    progress: dict[str, Progress] = field(default_factory=dict)
    failed: bool = False
    refusal: Status | None = None

    def progress_of(self, request_id: str | None) -> Progress:
        """The progress under a requestId; a line without one has no memory, so no protection."""
        if request_id is None:
            return Progress()
        return self.progress.setdefault(request_id, Progress())


class KeyStore:
    """All requestIds ever accepted; they are unique across customers and never forgotten."""

    def __init__(self) -> None:
        self._events: dict[str, Event] = {}

    def event_for(self, request_ids: Sequence[str], fingerprint: bytes) -> Event:
        """The event these requestIds belong to, new if none was seen; 10003 if the request differs."""
        known = [self._events.get(request_id) for request_id in request_ids]
        if not any(known):
            event = Event(fingerprint)
            self._events.update(dict.fromkeys(request_ids, event))
            return event
        event = known[0] or Event(b"")
        if any(other is not event for other in known) or event.fingerprint != fingerprint:
            raise RefusalError(KEY_MISMATCH)
        return event
