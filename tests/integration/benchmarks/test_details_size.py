"""Details of answers keep the ledger within its size, whatever an answer shows."""

import pytest

from benchmarks.details_size import ANSWERS, fill, measure
from ledger.queries.balance import balance
from ledger.store.database import Ledger

_LINES = 3_000
_MOST = 1.4


@pytest.mark.parametrize("shown", ANSWERS.values(), ids=ANSWERS)
def test_details_make_a_ledger_at_most_two_fifths_larger(tmp_path, shown):
    file = fill(tmp_path, _LINES, shown)
    with Ledger(f"sqlite:///{file}") as ledger:
        assert balance(ledger, "details").units == _LINES
    found = measure(file)
    assert found.lines == _LINES
    assert 1.1 < found.ratio < min(_MOST, found.long_ratio)
