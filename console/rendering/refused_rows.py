"""Refused rows of a file: writes them to the errors file, and shows the first."""

from pathlib import Path

from console.terminal import complain, remark
from operations.errors import UsageError
from operations.formats import counted
from producers.source import BadRow, ErrorsFile, Source

_SHOWN = 3
_LEAST_BYTES = 1024 * 1024
_PIPED_BYTES = 64 * 1024 * 1024


class ShownErrors(ErrorsFile):
    """An errors file that can show its first rows; at most as large as the source, or 1 MiB.

    If it cannot be written any more, the rows are printed: the good rows of the file are accepted
    anyway, and nothing else names the refused ones.

    Raises:
        UsageError: the errors file cannot be written.
    """

    def __init__(self, path: Path, source: Source) -> None:
        most = max(source.size or _PIPED_BYTES, _LEAST_BYTES)
        super().__init__(
            path,
            most_bytes=most,
            unit=source.unit,
            sheet=source.sheet,
            shown=_SHOWN,
            on_unwritten=self._print,
        )
        self._place = f"sheet '{source.sheet}', {source.unit}" if source.sheet else source.unit
        self._room_on_screen = most
        self._printed = 0
        try:
            self.prove()
        except OSError as error:
            raise UsageError(
                f"The errors file {path} cannot be written: {error.strerror}. Nothing was done; "
                "name another with --errors"
            ) from None

    def show(self) -> None:
        """Print where the refused rows are, and the first of them."""
        if not self.count:
            return
        if self.failure is not None:
            missing = self.count - self.listed - self._printed
            if missing:
                remark(f"  and {missing:,} more refused rows, which are not printed: too many")
            return
        part = "" if self.listed == self.count else f" for the first {self.listed:,}"
        remark(f"{counted(self.count, 'row')} refused, see {self.path}{part}:")
        for bad in self.first:
            remark(self._line(bad))
        if self.count > len(self.first):
            remark(f"  and {self.count - len(self.first):,} more")

    @property
    def whereabouts(self) -> str:
        """Where the refused rows are, for the last line of a blast."""
        return "errors printed above" if self.failure is not None else f"errors in {self.path}"

    def _print(self, bad: BadRow) -> None:
        if not self._printed and self.failure is not None:
            complain(
                f"The errors file {self.path} cannot be written: {self.failure.strerror}. The good "
                "rows are accepted; the refused ones are printed here:"
            )
        line = self._line(bad)
        self._room_on_screen -= len(line)
        if self._room_on_screen > 0:
            self._printed += 1
            remark(line)

    def _line(self, bad: BadRow) -> str:
        place = f"{self._place} {bad.line}" + (f", {bad.field}" if bad.field else "")
        return f"  {place}: {bad.problem}; {bad.remedy}"
