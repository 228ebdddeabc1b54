"""The items of a JSON array; memory does not grow with the array or with an item."""

import re
from collections.abc import Iterable, Iterator

from producers.fields.refusal import Refusal
from producers.source.cut import Cut

_STRUCTURE = re.compile(rb'["\[\]{},]')
_IN_STRING = re.compile(rb'["\\]')
_OPENING = b"[{"


class ArrayItems:
    """Iterates over an array's items as bytes; an item above `limit` bytes is None.

    It is used as `Lines` is. Items are separated by brackets and quotes alone, so that an item
    that is not JSON affects no other, unless it has too few or too many of them.

    Attributes:
        number: 1-based number of the latest item; 0 before the first.
        limit: The longest item that is returned, in bytes.
        cut: Why the array could not be read to its end; None: it was.
    """

    def __init__(self, blocks: Iterable[bytes], limit: int) -> None:
        self.number = 0
        self.limit = limit
        self.cut: Cut | None = None
        self._depth = 0
        self._in_string = False
        self._pending = b""
        self._overlong = False
        self._items = self._split(blocks)

    def __iter__(self) -> Iterator[bytes | None]:
        return self

    def __next__(self) -> bytes | None:
        item = next(self._items)
        self.number += 1
        return item

    def too_long(self) -> Refusal:
        """Return the refusal of an item that is None."""
        return Refusal(
            f"the item is longer than {self.limit} bytes",
            "split it, or shorten it; the whole item was skipped",
        )

    def _split(self, blocks: Iterable[bytes]) -> Iterator[bytes | None]:
        stream = iter(blocks)
        try:
            block = _after_bracket(stream)
            while True:
                start = position = 0
                while (found := self._next_border(block, position)) is not None:
                    yield self._item(block[start : found.start()])
                    start = position = found.end()
                    if found[0] != b",":
                        _check_end(block[start:], stream)
                        return
                self._keep(block[start:])
                block = self._escaped() + _following(stream)
        except Cut as cut:
            self.cut = cut

    def _next_border(self, block: bytes, position: int) -> re.Match[bytes] | None:
        """Find the comma after an item or the bracket after the last; None: not in this block."""
        while True:
            if self._in_string:
                found = _IN_STRING.search(block, position)
                if found is None:
                    return None
                if found[0] == b"\\":
                    position = found.end() + 1
                    continue
                self._in_string = False
            else:
                found = _STRUCTURE.search(block, position)
                if found is None:
                    return None
                if self._depth == 0 and found[0] in b",]}":
                    return found
                self._in_string = found[0] == b'"'
                if found[0] in _OPENING:
                    self._depth += 1
                elif found[0] in b"]}":
                    self._depth -= 1
            position = found.end()

    def _keep(self, rest: bytes) -> None:
        self._pending += rest
        if len(self._pending) > self.limit:
            self._overlong = True
            self._pending = b"\\" if _ends_in_escape(self._pending) else b""

    def _escaped(self) -> bytes:
        """Take back the backslash at the end of a block, to read it with the byte it escapes."""
        if not (self._in_string and _ends_in_escape(self._pending)):
            return b""
        self._pending = self._pending[:-1]
        return b"\\"

    def _item(self, end: bytes) -> bytes | None:
        item, overlong = self._pending + end, self._overlong
        self._pending, self._overlong = b"", False
        return None if overlong or len(item) > self.limit else item


def _ends_in_escape(text: bytes) -> bool:
    return (len(text) - len(text.rstrip(b"\\"))) % 2 == 1


def _after_bracket(stream: Iterator[bytes]) -> bytes:
    """Return what follows the array's first bracket in its block."""
    for block in stream:
        rest = block.lstrip()
        if rest:
            return rest[1:]
    return b""


def _following(stream: Iterator[bytes]) -> bytes:
    """Return the next block of an array that is not at its end."""
    block = next(stream, None)
    if block is None:
        raise Cut(
            "the file is cut: its JSON array is not closed",
            "get the whole file and run it again; rows that were accepted are known then",
        )
    return block


def _check_end(rest: bytes, stream: Iterator[bytes]) -> None:
    """Make sure that nothing follows the array's last bracket; read to the end of the file."""
    while not rest.strip():
        following = next(stream, None)
        if following is None:
            return
        rest = following
    raise Cut(
        "something follows the end of the JSON array", "write one array, and nothing after it"
    )
