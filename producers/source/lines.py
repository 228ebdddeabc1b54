"""Physical lines of a file; memory does not grow with the file or with a line."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from producers.fields.refusal import Refusal
from producers.source.cut import Cut
from producers.source.unusable import UnusableFile


class Lines:
    r"""Iterates over a file's lines as bytes without "\n"; a line above `limit` bytes is None.

    `put_back` returns lines that were read ahead. If the file is cut, the part of a line before the
    cut is dropped: it could be another customer's number.

    Attributes:
        number: 1-based number of the latest line; 0 before the first.
        limit: The longest line that is returned, in bytes.
        ends_open: Whether the last line that was read from the file has no line end.
        cut: Why the file ended before its end, once the lines have ended; None: it did not.
    """

    def __init__(self, blocks: Iterable[bytes], limit: int) -> None:
        self.number = 0
        self.limit = limit
        self.cut: Cut | None = None
        self.ends_open = False
        self._fresh = self._split(blocks)
        self._again: deque[bytes | None] = deque()

    def __iter__(self) -> Iterator[bytes | None]:
        return self

    def __next__(self) -> bytes | None:
        line = self._again.popleft() if self._again else next(self._fresh)
        self.number += 1
        return line

    @property
    def is_unterminated(self) -> bool:
        """Whether the latest line is the file's last one and has no line end."""
        return self.ends_open and not self._again

    def put_back(self, lines: Sequence[bytes | None]) -> None:
        """Put the latest lines back, to be read again in the same order."""
        self._again.extendleft(reversed(lines))
        self.number -= len(lines)

    def too_long(self) -> Refusal:
        """Return the refusal of a line that is None."""
        return Refusal(
            f"the line is longer than {self.limit} bytes",
            "split it into rows, or shorten it; the whole line was skipped",
        )

    def _split(self, blocks: Iterable[bytes]) -> Iterator[bytes | None]:
        limit = self.limit
        # the start of a line that ends in a later block; never longer than the limit
        pending = b""
        overlong = False
        try:
            for block in blocks:
                pieces = (pending + block).split(b"\n")
                pending = pieces.pop()
                for piece in pieces:
                    yield None if overlong or len(piece) > limit else piece
                    overlong = False
                if len(pending) > limit:
                    overlong, pending = True, b""
        except Cut as cut:
            self.cut = cut
            return
        self.ends_open = overlong or bool(pending)
        if overlong:
            yield None
        elif pending:
            yield pending


def decode(raw: bytes) -> str:
    """Decode a record's bytes.

    Raises:
        Refusal: The bytes are not UTF-8, or hold a NUL.
    """
    if b"\0" in raw:
        raise Refusal(
            f"byte {raw.index(0) + 1} of the row is NUL", "export the file again as UTF-8 text"
        )
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Refusal(
            f"byte {error.start + 1} of the row (0x{raw[error.start]:02x}) is not UTF-8",
            "export the file again as UTF-8 (in Excel: 'CSV UTF-8')",
        ) from None


def first_filled(lines: Lines) -> bytes:
    """Return the next line that is not blank.

    Raises:
        UnusableFile: there is none, or it is too long.
    """
    for line in lines:
        if line is None:
            raise UnusableFile(
                f"the first line is longer than {lines.limit} bytes",
                "put the columns' names in the first line",
            )
        if line.strip():
            return line
    if lines.cut is not None:
        raise UnusableFile(lines.cut.problem, lines.cut.remedy)
    raise UnusableFile("the file is empty", "export it again, with a header and at least one row")
