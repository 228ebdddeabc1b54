"""Warnings are counted by kind, and only the first rows of each are kept."""

from issuance.endpoint import Variant
from producers.lint import Lint, Readings, Warnings
from tests.unit.producers_lint.build import row


def test_many_warnings_of_one_kind_are_counted_with_their_first_three_lines():
    lint, warnings = Lint(), Warnings()
    for line in range(2, 1_002):
        warnings.add(line, lint.inspect(row(line=line, mobile="9800000001"), Variant.BULK))
    [kind] = warnings.kinds.values()
    assert (kind.rows, kind.lines, warnings.rows) == (1_000, [2, 3, 4], 1_000)


def test_a_row_with_two_warnings_is_one_row_of_two_kinds():
    warnings = Warnings()
    warnings.add(2, Lint().inspect(row(mobile="9800000001", redemption_value=5), Variant.BULK))
    assert (warnings.rows, [kind.rows for kind in warnings.kinds.values()]) == (1, [1, 1])


def test_readings_are_counted_by_kind_with_their_first_three_lines():
    readings = Readings()
    for line in range(2, 12):
        readings.add(
            line, ("mobile: a", "quantity: b", "mobile: a") if line == 2 else ("mobile: a",)
        )
    assert {name: (kind.rows, kind.lines) for name, kind in readings.kinds.items()} == {
        "mobile: a": (10, [2, 3, 4]),
        "quantity: b": (1, [2]),
    }
    assert readings.rows == 10
