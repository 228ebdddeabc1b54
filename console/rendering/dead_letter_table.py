"""Dead letters in a list: a table for people, JSON lines for programs."""

from collections.abc import Iterable, Sequence

from pydantic_core import to_json

from console.rendering.layout import age, aligned, say_row
from issuance.masking import mask_customer, scrub
from ledger.dead_letters.browse import DeadLetter
from operations.dead_letters import letter_json
from operations.formats import one_line

_HEADINGS = ("id", "state", "reason", "code", "reward", "units", "customer", "tries", "age")
_NUMBERS = (0, 3, 4, 5, 7, 8)
_REWARDS_SHOWN = 2


def print_table(letters: Sequence[DeadLetter]) -> None:
    """Print one letter a row, with its campaign and message."""
    head, *rows = aligned([_HEADINGS, *map(_cells, letters)], right=_NUMBERS)
    say_row(head, "campaign · message")
    for row, letter in zip(rows, letters, strict=True):
        say_row(row, f"{letter.campaign} · {one_line(scrub(letter.message, letter.known))}")


def _cells(letter: DeadLetter) -> tuple[str, ...]:
    return (
        str(letter.id),
        letter.state,
        letter.reason.value,
        "" if letter.code is None else str(letter.code),
        _rewards(letter.held.rewards),
        f"{letter.held.units}/{letter.held.requested}",
        mask_customer(letter.customer),
        str(letter.attempts),
        age(letter.opened_at),
    )


def _rewards(rewards: Sequence[str]) -> str:
    more = len(rewards) - _REWARDS_SHOWN
    shown = ",".join(one_line(reward) for reward in rewards[:_REWARDS_SHOWN])
    return f"{shown},+{more}" if more > 0 else shown


def print_jsonl(letters: Iterable[DeadLetter]) -> None:
    """One letter a line, with all its fields; customers masked."""
    for letter in letters:
        say_row(to_json(letter_json(letter)).decode())
