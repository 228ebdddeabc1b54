"""The open dead letters by reason and age.

Their number by reason comes from an index at each scrape. Their age is not in it: while there are
many, ages are read in the background, once a minute.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from issuance.errors import ExplainedError
from issuance.outcome import Reason
from ledger.queries.overview import OpenLetters, count_open_letters, open_letters
from operations.metrics import names
from operations.metrics.open_ledger import OpenLedger

MANY = 10_000
"""From this many open dead letters on, their ages are not read at each scrape."""
_AGAIN_SECONDS = 60.0
_HOUR_MS = 3_600_000
_AGES = {"0-1h": 0, "1h-1d": _HOUR_MS, "1d+": 24 * _HOUR_MS}
_LEAST = tuple(least for least in _AGES.values() if least)


class DeadLettersSource:
    """The metrics of dead letters.

    Args:
        ledger: for reading in the background.
        many: see `MANY`.
    """

    def __init__(self, ledger: OpenLedger, many: int = MANY) -> None:
        self._ledger = ledger
        self._many = many
        self._found: list[OpenLetters] | None = None
        self._read_at = 0.0
        self._thread: threading.Thread | None = None

    def metrics(self, connection: Connection, now: int) -> Iterator[Metric]:
        """Make the metrics; `now` is the ledger's time in ms."""
        counts = count_open_letters(connection)
        found = self._found
        if found is None or sum(counts.values()) < self._many:
            found = self._found = open_letters(connection, _LEAST)
            self._read_at = time.monotonic()
        elif time.monotonic() - self._read_at > _AGAIN_SECONDS:
            self._begin_to_read()
        yield from _metrics(counts, found, now)

    def close(self) -> None:
        """Wait for a reading, and close the connection."""
        if self._thread is not None:
            self._thread.join()
        self._ledger.close()

    def _begin_to_read(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._read, daemon=True)
            self._thread.start()

    def _read(self) -> None:
        try:
            with self._ledger.get().read() as connection:
                self._found = open_letters(connection, _LEAST)
        except (DBAPIError, ExplainedError):
            return  # the next scrape fails for the same reason, or begins again
        self._read_at = time.monotonic()


def _metrics(counts: dict[Reason, int], found: list[OpenLetters], now: int) -> Iterator[Metric]:
    oldest: dict[Reason, int] = {}
    letters, ages = names.DEAD_LETTERS.gauge(), names.DEAD_LETTER_OLDEST.gauge()
    for each in found:
        oldest[each.reason] = min(oldest.get(each.reason, each.oldest), each.oldest)
    for reason in Reason:
        by_age = Counter({each.age: each.count for each in found if each.reason is reason})
        fitted = fit_to_count([by_age[place] for place in range(len(_AGES))], counts.get(reason, 0))
        for age, count in zip(_AGES, fitted, strict=True):
            letters.add_metric([reason.value, age], count)
        if counts.get(reason) and reason in oldest:
            ages.add_metric([reason.value], max(0, now - oldest[reason]) / 1000)
    yield letters
    yield ages


def fit_to_count(by_age: list[int], count: int) -> list[int]:
    """Make earlier counts by age, youngest first, add up to the present count.

    New dead letters are young; those that are gone are taken from the young ones first.
    """
    fitted = list(by_age)
    fitted[0] += max(0, count - sum(fitted))
    for place in range(len(fitted)):
        fitted[place] -= min(fitted[place], max(0, sum(fitted) - count))
    return fitted
