"""The report of a chaos run, from invented records."""

from tests.chaos.record import Record
from tests.chaos.report import table, write_report

_RECORDS = [
    Record(2, "worker killed", "sqlite+valkey", faults=2, jobs=600, recovered=[1.0, 2.0, 4.0, 9.0]),
    Record(2, "worker killed", "postgresql+valkey", faults=3, jobs=700, lost=1, in_doubt=2),
]


def test_a_row_has_the_median_and_the_worst_of_an_even_number_of_times():
    assert "| 3.0 s, 9.0 s |" in table(_RECORDS)


def test_the_total_over_all_pairs_comes_before_their_tables():
    head, *_ = write_report(_RECORDS, "python -m tests.chaos").split("\n## ")
    assert (
        "on 2 pairs of ledger and broker: 5 faults, 1,300 jobs, 1 lost, 0 doubled, 2 in doubt"
        in head
    )


def test_a_failed_hazard_is_marked_and_counted():
    text = write_report(
        [*_RECORDS, Record(3, "child killed", "sqlite+valkey", failed=True)],
        "python -m tests.chaos",
    )
    assert "| 3 | child killed | 0 | 0 | 0 | 0 | 0 | **did not pass** |" in text
    assert "**1 of 3 did not pass.**" in text


def test_the_introduction_is_wrapped_whatever_the_command():
    text = write_report(
        _RECORDS, "python -m tests.chaos --pairs " + ",".join(["sqlite+valkey"] * 4)
    )
    assert max(map(len, text.split("\n## ")[0].splitlines())) <= 120
