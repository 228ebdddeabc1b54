"""The memory of requestIds, so that a repeated call does not issue twice."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.statuses import KEY_MISMATCH, RefusalError, Status
from simulator.transactions import Transaction, Unit


@dataclass(slots=True)
class Event:
    """One issue request with its set of requestIds; `failed` after a call that issued no unit.

    A failed event is not processed again. An event with at least one unit is: repeating the same
    request issues the missing units (rewards-api §5).
    """

    fingerprint: bytes
    failed: bool = False
    refusal: Status | None = None


@dataclass(slots=True)
class Progress:
    """What has been issued under one requestId, over all calls that carried it."""

    event: Event
    transactions: tuple[Transaction, ...] = ()
    failure: Status | None = None

    @property
    def units(self) -> list[Unit]:
        """Every unit issued under this requestId."""
        return [unit for transaction in self.transactions for unit in transaction.units]


class KeyStore:
    """All accepted requestIds; they are unique across customers and never forgotten."""

    def __init__(self) -> None:
        self._known: dict[str, Progress] = {}

    def event_for(self, request_ids: Sequence[str], fingerprint: bytes) -> Event:
        """The event of these requestIds, new if none is known; 10003 if the request differs."""
        known = [
            self._known[request_id].event for request_id in request_ids if request_id in self._known
        ]
        if not known:
            event = Event(fingerprint)
            self._known.update((request_id, Progress(event)) for request_id in request_ids)
            return event
        # The fingerprint covers every reward element: equal ones have the same requestIds.
        if known[0].fingerprint != fingerprint:
            raise RefusalError(KEY_MISMATCH)
        return known[0]

    def progress_of(self, request_id: str | None, event: Event) -> Progress:
        """The progress of a requestId; a line without one is not protected from repetition."""
        return Progress(event) if request_id is None else self._known[request_id]
