"""The messages on the dead-letter queue: which notices one has, and what a handler accepts of it.

They report dead letters, and budgets that are used, by numbers and a reason only. The handler reads
the rest from the ledger, because a client of the broker must not choose what an alert says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from issuance.outcome import Reason
from ledger.dead_letters.outbox import LetterRange

MESSAGE_MOST = 50
"""Most notices of one message, and so of one call of the webhook."""
_REASONS = frozenset(Reason)


@dataclass(frozen=True, slots=True)
class Notices:
    """The notices of one message: dead letters, ranges that are summarised, budgets."""

    letter_ids: tuple[int, ...] = ()
    ranges: tuple[LetterRange, ...] = ()
    budget_notices: tuple[int, ...] = ()

    @classmethod
    def read(cls, message: Mapping[str, Any]) -> Self:
        """Read a message of any client; what cannot be read is left out, and so is too much.

        Earlier versions sent `letter_id`.
        """
        ids = [message.get("letter_id"), *_items(message.get("letter_ids"))]
        ranges = (_read_range(each) for each in _items(message.get("ranges")))
        return cls(
            tuple(each for each in ids if _is_number(each))[:MESSAGE_MOST],
            tuple(each for each in ranges if each is not None)[:MESSAGE_MOST],
            tuple(each for each in _items(message.get("budget_notices")) if _is_number(each)),
        )

    def as_message(self) -> dict[str, Any]:
        """Return the message; workers of earlier versions read only the first two fields."""
        message: dict[str, Any] = {
            "letter_ids": list(self.letter_ids),
            "ranges": [each._asdict() for each in self.ranges],
        }
        budgets = {"budget_notices": list(self.budget_notices)} if self.budget_notices else {}
        return message | budgets


def _items(value: object) -> Sequence[Any]:
    return value[:MESSAGE_MOST] if isinstance(value, list) else ()


def _read_range(value: object) -> LetterRange | None:
    fields = LetterRange._fields
    if not isinstance(value, dict) or not value.keys() >= set(fields):
        return None
    numbers = [value[name] for name in fields if name != "reason"]
    reason = value["reason"]
    if not (isinstance(reason, str) and reason in _REASONS and all(map(_is_number, numbers))):
        return None
    return LetterRange(**{name: value[name] for name in fields})


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
