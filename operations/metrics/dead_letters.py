"""The open dead letters by reason and age."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from sqlalchemy import Connection

from issuance.outcome import Reason
from ledger.queries.overview import open_letters
from operations.metrics import names

_HOUR_MS = 3_600_000
_AGES = {"0-1h": 0, "1h-1d": _HOUR_MS, "1d+": 24 * _HOUR_MS}


def dead_letter_metrics(connection: Connection, now: int) -> Iterator[Metric]:
    """Make the metrics of dead letters; `now` is the ledger's time in ms."""
    found = open_letters(connection, tuple(least for least in _AGES.values() if least))
    counts: Counter[tuple[Reason, int]] = Counter()
    oldest: dict[Reason, int] = {}
    for each in found:
        counts[each.reason, each.age] += each.count
        oldest[each.reason] = min(oldest.get(each.reason, each.oldest), each.oldest)
    letters, ages = names.DEAD_LETTERS.gauge(), names.DEAD_LETTER_OLDEST.gauge()
    for reason in Reason:
        for place, age in enumerate(_AGES):
            letters.add_metric([reason.value, age], counts[reason, place])
        if reason in oldest:
            ages.add_metric([reason.value], max(0, now - oldest[reason]) / 1000)
    yield letters
    yield ages
