"""The columns of an upload: what they are read as, and what is wrong with that."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from issuance.display import printable, shorten
from issuance.masking import mask, scrub
from operations.errors import UsageError
from operations.uploads.state import Order, Seen, SeenColumn
from producers.source import ReadOptions
from producers.source.columns import COLUMNS, IGNORE, MAPS, Column, Columns, Slot, plain
from producers.source.header import resolve_header
from producers.source.preview import read_preview
from producers.source.synonyms import AMBIGUOUS

_SAMPLES = 3
_LONGEST_SAMPLE = 40

CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    title: tuple(column.name for column in COLUMNS if column.slot is slot)
    for title, slot in (
        ("The customer", Slot.IDENTIFIER),
        ("The reward", Slot.REWARD),
        ("The call", Slot.CALL),
    )
}
"""Our columns that have one name, by part of the row."""


def see_columns(path: Path, sheet: str) -> Seen:
    """Read a file's columns and first values, which are masked.

    Raises:
        UnusableFile: it is no table.
    """
    finder = Columns({})
    preview = read_preview(path, finder, sheet=sheet or None, most=_SAMPLES)
    columns = []
    for at, name in enumerate(preview.names):
        column = finder.find(name)
        values = [row[at] for row in preview.rows if at < len(row)]
        columns.append(
            SeenColumn(
                name,
                "" if column is None else column.name,
                tuple(_sample(value, column) for value in values),
            )
        )
    return Seen(tuple(columns), preview.sheet, preview.other_sheets)


def _sample(value: str, column: Column | None) -> str:
    """Mask a value: what a column holds that is not known may be a customer."""
    text = printable(value[:_LONGEST_SAMPLE])
    is_known = column is not None and column.slot is not Slot.IDENTIFIER and column.name != IGNORE
    return scrub(text) if is_known else mask(text) if text.strip() else ""


def read_options(order: Order, country: str | None) -> ReadOptions:
    """Return how to read the file.

    Raises:
        ValueError: a number is out of range.
    """
    return ReadOptions(
        mapping=order.mapping,
        reward_id=order.reward_id,
        quantity=order.quantity,
        sheet=order.sheet or None,
        country=country,
    )


def check_columns(seen: Seen, order: Order) -> None:
    """Make sure that the file can be read as the order says.

    Raises:
        UsageError: a column has a problem of its own.
        UnusableFile: it cannot; the message says why.
        ValueError: a number of the order is out of range.
    """
    if column_problems(seen, order.mapping):
        raise UsageError("Say what each column is: see the notes at the columns")
    options = read_options(order, None)
    finder = Columns(options.mapping)
    resolve_header([column.name for column in seen.columns], options, finder)


def column_problems(seen: Seen, mapping: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with single columns, by their names."""
    problems: dict[str, str] = {}
    having: dict[str, str] = {}
    for column in seen.columns:
        ours = mapping.get(column.name, column.guess)
        if not ours:
            problems[column.name] = _unknown(column.name)
        elif ours in having and ours != IGNORE:
            problems[column.name] = (
                f"'{shorten(having[ours])}' is read as {ours} too: leave one of them out"
            )
        having.setdefault(ours, column.name)
    return problems


def _unknown(name: str) -> str:
    if not name.strip():
        return "The column has no name: name it in the file, or delete it there"
    meant = AMBIGUOUS.get(plain(name), ())
    named = " or ".join(each for each in meant if each != IGNORE)
    if named:
        return f"It could be {named}: choose, or leave it out"
    return "The name is not known: choose what it is, or leave it out"


def custom_field(name: str) -> str:
    """Return the custom field that sends a column along under its own name."""
    return f"{MAPS[0].field.name}.{name.strip()}"
