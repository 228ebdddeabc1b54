"""Why one value or one record is refused."""


class Refusal(Exception):  # noqa: N818  # becomes a BadRow, an UnusableFile or a RequestRefusedError
    """One value, or one whole record, breaks a rule.

    Attributes:
        problem: What is wrong, fit to be shown.
        remedy: What to do about it.
        field: The column at fault, or "" when the raiser does not know it or it is the whole row.
    """

    def __init__(self, problem: str, remedy: str, field: str = "") -> None:
        super().__init__(problem, remedy, field)
        self.problem = problem
        self.remedy = remedy
        self.field = field
