"""One size of one ledger: fill it, then measure."""

import time
from pathlib import Path
from typing import Any

from redis import Redis

from benchmarks.acceptance import accept_in_subprocess
from benchmarks.load import write_csv
from benchmarks.scale.measurement import measure_in_subprocess, wal_bytes
from benchmarks.scale.population import fill
from benchmarks.servers import url_of
from ledger.store.database import Ledger

_CAMPAIGN = "bench"
_FRESH_FROM = 500_000_000
"""Number of the first customer that is not in the filled ledger."""


def measure_scale(
    ledger_url: str, count: int, through: int, folder: Path, broker: Redis
) -> dict[str, Any]:
    """Fill a ledger with `count` jobs, accept `through` more and run them through the steps."""
    accept_in_subprocess(_file(folder, "one", 1, first=0), ledger_url, _CAMPAIGN)
    with Ledger(ledger_url, durable=False) as ledger:
        began = time.monotonic()
        fill(ledger, count)
        filled = time.monotonic() - began
        wal = wal_bytes(ledger)
        accepted = accept_in_subprocess(
            _file(folder, "fresh", through, first=_FRESH_FROM), ledger_url, _CAMPAIGN
        )
        wal = wal_bytes(ledger) - wal
    broker.flushall()
    found = measure_in_subprocess(ledger_url, through, _CAMPAIGN, url_of(broker))
    return found | {
        "jobs": count,
        "fill_seconds": filled,
        "accept_us": 1e6 / accepted.rows_per_second,
        "accept_wal_bytes": wal / through,
        "bytes_a_job": found["size_bytes"] / count,
    }


def _file(folder: Path, name: str, rows: int, *, first: int) -> Path:
    path = folder / f"scale-{name}-{rows}.csv"
    if not path.exists():
        write_csv(path, rows, first=first)
    return path
