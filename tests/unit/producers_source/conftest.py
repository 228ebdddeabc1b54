"""Fixtures that write a file and read it with the package's public function."""

from itertools import count

import pytest

from producers.source import BadRow, ReadOptions, Row, read_rows


@pytest.fixture(scope="session")
def read(tmp_path_factory):
    """Write content to a file of that suffix, and return all that reading it yields."""
    folder, numbers = tmp_path_factory.mktemp("blasts"), count()

    def write_and_read(content, options=None, suffix=".csv"):
        path = folder / f"{next(numbers)}{suffix}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        try:
            return list(read_rows(path, options or ReadOptions()))
        finally:
            path.unlink()

    return write_and_read


@pytest.fixture(scope="session")
def read_cell(read):
    """Return the row, good or bad, whose column holds this text."""

    def write_and_read(column, cell):
        names = {"mobile": "919800000001", "rewardId": "1001"}
        if column in {"email", "externalId"}:
            del names["mobile"]
        names[column] = cell
        quoted = ('"' + value.replace('"', '""') + '"' for value in names.values())
        (row,) = read(",".join(names) + "\n" + ",".join(quoted) + "\n")
        return row

    return write_and_read


@pytest.fixture(scope="session")
def lines_of():
    """Return the lines of the good rows and those of the bad rows."""

    def split(rows):
        good = [row.line for row in rows if isinstance(row, Row)]
        return good, [row.line for row in rows if isinstance(row, BadRow)]

    return split
