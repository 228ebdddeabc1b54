"""The ceiling of one line's units: a slip such as 500 for 5 is refused, not issued."""

from collections.abc import Iterable

from issuance.job import Line
from producers.fields.refusal import Refusal


def exceeds(line: Line, most: int | None) -> bool:
    """Whether a line asks for more units than `most`; None: there is no ceiling."""
    return most is not None and line.quantity > most


def too_many_units(lines: Iterable[Line], most: int) -> Refusal:
    """Return the refusal of a job with a line above the ceiling.

    Args:
        lines: the job's lines; the largest quantity is named.
        most: ISSUANCE_MAX_QUANTITY.
    """
    largest = max(line.quantity for line in lines)
    return Refusal(
        f"{largest} units are more than the most of one line ({most})",
        "lower the quantity, or raise ISSUANCE_MAX_QUANTITY if it is meant",
        "quantity",
    )
