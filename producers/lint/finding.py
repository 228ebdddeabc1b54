"""The result of a lint rule for one row."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem, or a possible problem, of a row.

    Attributes:
        kind: The problem without the row's values; findings are counted by it.
        field: The column at fault.
        problem: What is wrong in this row; it shows at most the last 4 characters of an identifier.
        remedy: What to do about it.
        refuses: Whether the row is refused; otherwise it is accepted with a warning.
    """

    kind: str
    field: str
    problem: str
    remedy: str
    refuses: bool
