"""The text of a file as blocks of UTF-8: decompresses and decodes while it reads."""

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from producers.source.cut import Cut
from producers.source.inputs import CountedInput
from producers.source.unusable import UnusableFile

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_BLOCK_BYTES = 262_144
_HEAD_BYTES = 8
_UTF8_MARK = codecs.BOM_UTF8
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
"""The last three bytes of four; parallel compressors begin with such a frame."""
_UNREADABLE = (
    (codecs.BOM_UTF32_LE, "the file is UTF-32", "save it as UTF-8"),
    (codecs.BOM_UTF32_BE, "the file is UTF-32", "save it as UTF-8"),
    (b"BZh", "the file is compressed (bzip2)", "decompress it with bunzip2, or use gzip or zstd"),
    (b"\xfd7zXZ", "the file is compressed (xz)", "decompress it with unxz, or use gzip or zstd"),
    (
        b"\xd0\xcf\x11\xe0",
        "the file is an old Excel workbook (.xls), or an encrypted one",
        "save it as .xlsx without a password, or the sheet as 'CSV UTF-8'",
    ),
    (b"%PDF", "the file is a PDF", "export the table as CSV or .xlsx"),
)
_UNREADABLE_INSIDE = (
    (_GZIP, "the file is compressed twice", "decompress it once"),
    (_ZSTD, "the file is compressed twice", "decompress it once"),
    (b"PK\x03\x04", "the file is a compressed workbook or ZIP archive", "decompress it first"),
)
_RUN_AGAIN = "get the whole file and run it again; rows that were accepted are known then"

Opener = Callable[[CountedInput], io.BufferedIOBase]


def read_blocks(raw: CountedInput, check_unchanged: Callable[[], None]) -> Iterator[bytes]:
    """Read a file's text as UTF-8, without a byte order mark.

    Args:
        raw: the file's bytes: text, or text compressed with gzip or zstd.
        check_unchanged: called at the end; raises Cut if the file has changed.

    Raises:
        UnusableFile: it is something else.
        Cut: raised after the readable part.
    """
    compression = _compression(raw.peek(_HEAD_BYTES))
    if compression is None:
        return _decoded(_content(raw, "", check_unchanged))
    name, opener = compression
    return _decoded(_content(opener(raw), name, check_unchanged), _UNREADABLE_INSIDE)


def _compression(head: bytes) -> tuple[str, Opener] | None:
    if head.startswith(_GZIP):
        return "gzip", lambda raw: gzip.GzipFile(fileobj=raw, mode="rb")
    if head.startswith(_ZSTD) or (head[1:4] == _ZSTD_SKIPPABLE and head[0] >> 4 == 5):  # noqa: PLR2004
        return "zstd", zstd.ZstdFile
    return None


def _content(stream: io.IOBase, name: str, check_unchanged: Callable[[], None]) -> Iterator[bytes]:
    """Read to the end; every way in which that fails becomes a Cut."""
    # read() would keep what it has when the data end too early.
    read: Callable[[int], bytes] = getattr(stream, "read1", None) or stream.read
    try:
        yield from iter(partial(read, _BLOCK_BYTES), b"")
    except EOFError:
        check_unchanged()
        raise Cut(f"the file is cut: its {name} data end in the middle", _RUN_AGAIN) from None
    except (zlib.error, gzip.BadGzipFile, zstd.ZstdError) as error:
        check_unchanged()
        raise Cut(f"the file's {name} data are damaged: {error}", _RUN_AGAIN) from None
    except OSError as error:
        raise Cut(f"reading the file failed: {error.strerror or error}", _RUN_AGAIN) from None
    check_unchanged()


def _decoded(
    blocks: Iterator[bytes], also_unreadable: tuple[tuple[bytes, str, str], ...] = ()
) -> Iterator[bytes]:
    head = b""
    for block in blocks:
        head += block
        if len(head) >= _HEAD_BYTES:
            break
    for mark, problem, remedy in _UNREADABLE + also_unreadable:
        if head.startswith(mark):
            raise UnusableFile(problem, remedy)
    if head.startswith(_UTF16_MARKS):
        yield from _from_utf16(chain([head], blocks))
    else:
        yield head.removeprefix(_UTF8_MARK)
        yield from blocks


def _from_utf16(blocks: Iterator[bytes]) -> Iterator[bytes]:
    # A lone surrogate becomes bytes that are not UTF-8, which make only their own row bad.
    decoder: Any = codecs.getincrementaldecoder("utf-16")("surrogatepass")
    for block in blocks:
        yield decoder.decode(block).encode("utf-8", "surrogatepass")
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise Cut("the file is cut: it ends within a character", _RUN_AGAIN) from None
