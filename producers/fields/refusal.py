"""The refusal of one value or one record."""


class Refusal(Exception):  # noqa: N818  # becomes a BadRow, an UnusableFile or a RequestRefusedError
    """One value, or one whole record, breaks a rule.

    Attributes:
        problem: What is wrong, safe to show.
        remedy: What to do about it.
        field: The column at fault, or "" if it is unknown or the whole row is at fault.
    """

    def __init__(self, problem: str, remedy: str, field: str = "") -> None:
        super().__init__(problem, remedy, field)
        self.problem = problem
        self.remedy = remedy
        self.field = field
