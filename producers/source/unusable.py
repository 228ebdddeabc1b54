"""The error for a file that cannot be read."""

from issuance.errors import ExplainedError


class UnusableFile(ExplainedError):  # noqa: N818  # the name says what is wrong
    """The file cannot be read at all.

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
