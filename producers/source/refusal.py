"""Why something was not read: a whole file, or a part of one row."""

from issuance.errors import ExplainedError


class UnusableFile(ExplainedError):  # noqa: N818 - the name says what is the matter, as operators read it
    """Nothing of the file can be read.

    Attributes:
        problem: What is wrong with the file.
        remedy: What to do about it.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}; {self.remedy}"


class Refusal(Exception):  # noqa: N818 - names what was refused: it becomes a BadRow, an UnusableFile or a RequestRefusedError
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
