"""Dead letters in a list: a table for people, JSON lines for programs."""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic_core import to_json

from console.rendering.layout import age, aligned, say_row
from issuance.masking import mask_customer, scrub
from ledger.dead_letters.browse import Letter
from operations.formats import iso, one_line

_HEADINGS = ("id", "state", "reason", "code", "tries", "age", "campaign", "message")
_NUMBERS = (0, 3, 4, 5)
_LONGEST_CAMPAIGN = 16


def print_table(letters: Sequence[Letter]) -> None:
    """One letter a row; on a terminal the message is cut at the edge."""
    for row in aligned([_HEADINGS, *map(_cells, letters)], right=_NUMBERS):
        say_row(row)


def _cells(letter: Letter) -> tuple[str, ...]:
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


def print_jsonl(letters: Iterable[Letter]) -> None:
    """One letter a line, with all its fields; customers masked."""
    for letter in letters:
        say_row(to_json(letter_json(letter)).decode())


def letter_json(letter: Letter) -> dict[str, Any]:
    """A letter for programs."""
    return {
        "id": letter.id,
        "state": letter.state,
        "reason": letter.reason.value,
        "code": letter.code,
        "message": scrub(letter.message),
        "campaign": letter.campaign,
        "jobId": letter.job_id,
        "customer": mask_customer(letter.customer),
        "attempts": letter.attempts,
        "openings": letter.openings,
        "reissuedAs": letter.reissued_as,
        "openedAt": iso(letter.opened_at),
        "changedAt": iso(letter.changed_at),
    }
