"""The rows of a file that were refused: written to the errors file, the first of them shown."""

from pathlib import Path

from console.context import remark
from console.layout import counted
from producers.source import BadRow, ErrorsFile, UnusableFile

_SHOWN = 3


class NotedErrors(ErrorsFile):
    """An errors file that remembers its first rows, to be shown."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.first: list[BadRow] = []

    def write(self, bad: BadRow) -> None:
        """Add one bad row.

        Raises:
            UnusableFile: the errors file cannot be made or written.
        """
        try:
            super().write(bad)
        except OSError as error:
            raise UnusableFile(
                f"the errors file {self.path} cannot be written: {error.strerror}", "name another with --errors"
            ) from None
        if len(self.first) < _SHOWN:
            self.first.append(bad)

    def show(self) -> None:
        """Say where the refused rows are, and show the first."""
        if not self.count:
            return
        remark(f"{counted(self.count, 'row')} refused, see {self.path}:")
        for bad in self.first:
            place = f"line {bad.line}" + (f", {bad.field}" if bad.field else "")
            remark(f"  {place}: {bad.problem}; {bad.remedy}")
        if self.count > len(self.first):
            remark(f"  and {self.count - len(self.first):,} more")
