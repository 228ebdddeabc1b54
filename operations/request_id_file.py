"""Reads requestIds from a file: one a line, or the column `requestId` of a CSV export."""

import csv
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from operations.errors import UsageError

_COLUMN = "requestId"


def read_request_ids(path: Path) -> list[str]:
    """Return the file's requestIds in order, each once.

    Raises:
        UsageError: the file cannot be read, or a row has no requestId.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream)
            return _read(path, rows)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; check --from-file") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is no CSV file in UTF-8: {error}") from None


def _read(path: Path, rows: Iterable[list[str]]) -> list[str]:
    place, found = 0, dict[str, None]()
    for number, row in enumerate(rows, start=1):
        if not any(cell.strip() for cell in row):
            continue
        if number == 1 and _COLUMN in row:
            place = row.index(_COLUMN)
            continue
        text = row[place].strip() if place < len(row) else ""
        try:
            found[str(UUID(text))] = None
        except ValueError:
            if number == 1:
                continue  # a heading of its own
            raise UsageError(
                f"{path}, row {number}: {text[:60]!r} is not a requestId; give one in each row, "
                f"or a CSV file with a column {_COLUMN}"
            ) from None
    if not found:
        raise UsageError(f"{path} has no requestId: give one in each row")
    return list(found)
