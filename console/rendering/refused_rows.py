"""Refused rows of a file: writes them to the errors file, and shows the first."""

from pathlib import Path

from console.terminal import remark
from operations.formats import counted
from producers.source import BadRow, ErrorsFile, Source, UnusableFile

_SHOWN = 3
_LEAST_BYTES = 1024 * 1024


class ShownErrors(ErrorsFile):
    """An errors file that can show its first rows; at most as large as the source, or 1 MiB."""

    def __init__(self, path: Path, source: Source) -> None:
        super().__init__(path, most_bytes=max(source.size, _LEAST_BYTES))
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
                f"the errors file {self.path} cannot be written: {error.strerror}",
                "name another with --errors",
            ) from None
        if len(self.first) < _SHOWN:
            self.first.append(bad)

    def show(self) -> None:
        """Print where the refused rows are, and the first of them."""
        if not self.count:
            return
        part = "" if self.listed == self.count else f" for the first {self.listed:,}"
        remark(f"{counted(self.count, 'row')} refused, see {self.path}{part}:")
        for bad in self.first:
            place = f"line {bad.line}" + (f", {bad.field}" if bad.field else "")
            remark(f"  {place}: {bad.problem}; {bad.remedy}")
        if self.count > len(self.first):
            remark(f"  and {self.count - len(self.first):,} more")
