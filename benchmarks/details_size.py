"""`python -m benchmarks.details_size`: how much larger a ledger is with the details of answers.

Fills one SQLite ledger for each form of answer, through acceptance and the ledger's own steps. A
copy of it is compacted and measured as it is, with the API's long names, and without details.
docs/evidence/scale.md has the figures.
"""

import argparse
import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks.acceptance import accept_in_subprocess
from benchmarks.costs import CHUNK_JOBS, Stopwatch, run_steps
from benchmarks.load import write_csv
from config.logs import configure_logs
from config.settings import Settings
from issuance.details.stored import with_long_names
from issuance.replies.reply import Answer
from ledger.dispatch.claimed_jobs import ClaimedJob
from ledger.queries.counters import compact_counters
from ledger.store.database import Ledger

_OK = {"success": True, "code": 200, "message": "Reward issued successfully"}
_COUPON = {
    "intouch": [
        {
            "couponCode": "C{number}",
            "pointsRedeemed": "10",
            "codeExpiry": "2027-01-01 00:00:00",
            "codeExpiryDateTime": "2027-01-01T00:00:00Z",
        }
    ],
    "paymentConfig": {"paymentMode": "POINTS", "id": 55, "points": 10.0},
}
_VENDOR = {
    "vendor": [
        {
            "voucher": "V{number}",
            "pointsRedeemed": "2",
            "valid_till": "2027-11-01",
            "offer_name": "Coffee and cake",
            "coupon_series_id": "234",
        }
    ],
    "paymentConfig": {"paymentMode": "CONV_RATIO", "id": 54, "conversionRatio": 0.5},
    "redemptionDetails": {"redemptionType": "MILES", "totalRedemptionValue": 1},
}
_CUSTOM_FIELDS = {"customFields": {"store": "Indiranagar", "channel": "whatsapp", "season": "2026"}}
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "coupon": _COUPON,
    "vendor": _VENDOR,
    "vendor, with three custom fields": _VENDOR | _CUSTOM_FIELDS,
}
"""Form of answer → what it shows of a line, as the documents' samples do (rewards-api §4)."""
_LINES = 100_000


class Sizes(NamedTuple):
    """Sizes of one ledger, in bytes for each line."""

    lines: int
    without: float
    with_details: float
    with_long_names: float

    @property
    def ratio(self) -> float:
        """With details, compared with none."""
        return self.with_details / self.without

    @property
    def long_ratio(self) -> float:
        """With details by their long names, compared with none."""
        return self.with_long_names / self.without


def measure(ledger: Path) -> Sizes:
    """Measure a ledger, which may be in use.

    Raises:
        sqlite3.Error: it is no ledger of this program.
    """
    with TemporaryDirectory(prefix="issuance-details-") as folder:
        copied = Path(folder) / "copy.db"
        with closing(sqlite3.connect(ledger)) as found, closing(sqlite3.connect(copied)) as copy:
            found.backup(copy)
            _drop_triggers(copy)
            count = copy.execute("SELECT count(*) FROM lines").fetchone()[0]
            short = _compacted(copy)
            copy.create_function("with_long_names", 1, lambda text: text and with_long_names(text))
            long = _changed(copy, "UPDATE lines SET details = with_long_names(details)")
            without = _changed(copy, "UPDATE lines SET details = NULL, points = NULL")
    return Sizes(count, without / count, short / count, long / count)


def _drop_triggers(copy: sqlite3.Connection) -> None:
    """Remove what would count each changed line, and so add a row for each."""
    for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        copy.execute(f'DROP TRIGGER "{name}"')


def _changed(connection: sqlite3.Connection, statement: str) -> int:
    connection.execute(statement)
    connection.commit()
    return _compacted(connection)


def _compacted(connection: sqlite3.Connection) -> int:
    connection.execute("VACUUM")
    pages, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
    )
    return int(pages * size)


def fill(folder: Path, lines: int, shown: Mapping[str, Any]) -> Path:
    """Accept rows into a new ledger and record an answer of this form for each; returns its file.

    Args:
        folder: where the ledger is made.
        lines: how many.
        shown: what the answer shows of each line.
    """
    rows, file = folder / "rows.csv", folder / "ledger.db"
    write_csv(rows, lines)
    url = f"sqlite:///{file}"
    accept_in_subprocess(rows, url, "details")
    with Ledger(url, durable=False) as ledger:
        for _ in range(-(-lines // CHUNK_JOBS)):
            run_steps(ledger, Stopwatch(), lambda job: _answer(job, shown))
        compact_counters(ledger)
    return file


def _answer(job: ClaimedJob, shown: Mapping[str, Any]) -> Answer:
    reward = {
        "status": _OK,
        "rewardId": job.lines[0].reward_id,
        "transactionId": 10_000_000 + job.number,
        "requestedQuantity": 1,
        "quantity": 1,
        "pointsReferenceIds": [],
        "requestId": job.id,
        **shown,
    }
    body = json.dumps({"status": _OK, "rewards": [reward]})
    return Answer(200, body.replace("{number}", f"{10_000_000 + job.number}").encode())


def _table(sizes: Iterable[tuple[str, Sizes]]) -> str:
    rows = [
        "| answer | without details, bytes a line | with | ratio | with long names | ratio |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    rows += [
        f"| {name} | {found.without:,.0f} | {found.with_details:,.0f} | {found.ratio:.2f} | "
        f"{found.with_long_names:,.0f} | {found.long_ratio:.2f} |"
        for name, found in sizes
    ]
    return "\n".join(rows)


def _measure_all(lines: int) -> Iterable[tuple[str, Sizes]]:
    for name, shown in ANSWERS.items():
        with TemporaryDirectory(prefix="issuance-details-") as folder:
            yield name, measure(fill(Path(folder), lines, shown))


def main() -> None:
    """Measure one ledger, or fill and measure one for each form of answer."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.details_size", description=__doc__.partition(": ")[2]
    )
    parser.add_argument(
        "--lines", type=int, default=_LINES, help="lines of each ledger (default %(default)s)"
    )
    parser.add_argument(
        "--ledger", type=Path, help="measure a copy of this SQLite ledger and fill none"
    )
    given = parser.parse_args()
    configure_logs(Settings(_env_file=None, log_level="WARNING"))
    if given.ledger:
        print(_table([(given.ledger.name, measure(given.ledger))]))
    else:
        print(f"{given.lines:,} lines in each ledger\n")
        print(_table(_measure_all(given.lines)))


if __name__ == "__main__":
    main()
