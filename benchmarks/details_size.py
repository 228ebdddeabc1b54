"""How much larger details of answers make a ledger: `python -m benchmarks.details_size LEDGER.db`.

It copies a SQLite ledger, compacts the copy, measures it, removes the details and measures again.
The ratio of the two sizes is the cost of keeping them; docs/evidence/scale.md has the figures.
"""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple


class Sizes(NamedTuple):
    """Sizes of one ledger, in bytes for each line."""

    lines: int
    without: float
    with_details: float

    @property
    def ratio(self) -> float:
        """With details, compared with none."""
        return self.with_details / self.without


def measure(ledger: Path) -> Sizes:
    """Measure a ledger, which may be in use.

    Raises:
        sqlite3.Error: it is no ledger of this program.
    """
    with TemporaryDirectory() as folder:
        copied = Path(folder) / "copy.db"
        with closing(sqlite3.connect(ledger)) as found, closing(sqlite3.connect(copied)) as copy:
            found.backup(copy)
            count = copy.execute("SELECT count(*) FROM lines").fetchone()[0]
            with_details = _compacted(copy)
            copy.execute("UPDATE lines SET details = NULL, points = NULL")
            copy.commit()
            without = _compacted(copy)
    return Sizes(count, without / count, with_details / count)


def _compacted(connection: sqlite3.Connection) -> int:
    connection.execute("VACUUM")
    pages, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
    )
    return int(pages * size)


if __name__ == "__main__":
    sizes = measure(Path(sys.argv[1]))
    print(
        f"{sizes.lines:,} lines: {sizes.without:,.0f} bytes a line without details, "
        f"{sizes.with_details:,.0f} with them: {sizes.ratio:.2f} times"
    )
