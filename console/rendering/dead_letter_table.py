"""Dead letters in a list: a table for people, JSON lines for programs."""

from collections.abc import Iterable, Sequence

from pydantic_core import to_json

from console.rendering.layout import age, aligned, say_row
from issuance.masking import scrub
from ledger.dead_letters.browse import DeadLetter
from operations.dead_letters import letter_json
from operations.formats import one_line

_HEADINGS = ("id", "state", "reason", "code", "tries", "age", "campaign", "message")
_NUMBERS = (0, 3, 4, 5)
_LONGEST_CAMPAIGN = 16


def print_table(letters: Sequence[DeadLetter]) -> None:
    """One letter a row; on a terminal the message is cut at the edge."""
    for row in aligned([_HEADINGS, *map(_cells, letters)], right=_NUMBERS):
        say_row(row)


def _cells(letter: DeadLetter) -> tuple[str, ...]:
    name = letter.campaign
    return (
        str(letter.id),
        letter.state,
        letter.reason.value,
        "" if letter.code is None else str(letter.code),
        str(letter.attempts),
        age(letter.opened_at),
        name if len(name) <= _LONGEST_CAMPAIGN else f"{name[: _LONGEST_CAMPAIGN - 1]}…",
        one_line(scrub(letter.message)),
    )


def print_jsonl(letters: Iterable[DeadLetter]) -> None:
    """One letter a line, with all its fields; customers masked."""
    for letter in letters:
        say_row(to_json(letter_json(letter)).decode())
