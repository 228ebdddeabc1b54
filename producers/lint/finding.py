"""What a rule of the lint finds in a row."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is, or may be, wrong with a row.

    Attributes:
        kind: What the rows with this finding have in common, without their values; they are counted
            under it.
        field: The column it is about.
        problem: What is wrong in this row; of an identifier at most the last 4 characters are
            shown.
        remedy: What to do about it.
        refuses: The row must not be accepted; otherwise it is accepted with a warning.
    """

    kind: str
    field: str
    problem: str
    remedy: str
    refuses: bool
