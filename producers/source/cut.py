"""The end of a file's readable part before the end of the file."""


class Cut(Exception):  # noqa: N818  # becomes a BadRow, or an UnusableFile
    """The rest of the file cannot be read, or the file is not what it was.

    Attributes:
        problem: What is wrong, safe to show.
        remedy: What to do about it.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy
