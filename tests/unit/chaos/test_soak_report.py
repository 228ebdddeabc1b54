"""The report of a soak, from invented samples."""

from collections import Counter

from tests.chaos.memory import Life
from tests.chaos.record import Record
from tests.chaos.soak_report import Soak, write_soak

_MEGABYTE = 1_000_000


def _life(name: str, *, minutes: int, first: float, last: float) -> Life:
    """A process that starts small, has `first` MB after a minute and ends with `last` MB."""
    seconds = minutes * 60
    grown = [
        (at, first + (last - first) * (at - 60) / (seconds - 60))
        for at in range(60, seconds + 1, 5)
    ]
    return Life(
        name, [(0.0, 10 * _MEGABYTE), *((float(at), round(size * _MEGABYTE)) for at, size in grown)]
    )


_LIVES = (
    _life("release", minutes=30, first=60, last=60),
    _life("worker's child", minutes=15, first=80, last=120),
    Life("beat", [(0.0, 10 * _MEGABYTE), (30.0, 12 * _MEGABYTE)]),
)
_TEXT = write_soak(
    Soak(
        30.0,
        Record(0, "random faults", "sqlite+valkey", faults=7, jobs=90_000),
        Counter({"broker emptied": 5, "API frozen for 3 s": 2}),
        _LIVES,
    ),
    "python -m tests.chaos.soak",
)


def test_the_report_starts_with_the_command_and_the_sums():
    assert "`python -m tests.chaos.soak`" in _TEXT
    assert (
        "30 minutes on sqlite + valkey: 7 faults, 90,000 jobs, 0 lost, 0 doubled, 0 in doubt"
        in _TEXT
    )


def test_faults_are_counted_by_kind():
    assert "| API frozen for 3 s | 2 |\n| broker emptied | 5 |" in _TEXT


def test_a_process_of_constant_size_is_flat():
    assert (
        "| release | 30.0 min | 60.0 MB | 60.0 MB | 60.0 MB | 60.0 MB | +0.0 MB | flat |" in _TEXT
    )


def test_a_process_that_ends_much_larger_is_growing():
    (row,) = (line for line in _TEXT.splitlines() if line.startswith("| worker's child "))
    assert row.startswith(
        "| worker's child | 15.0 min | 80.6 MB | 92.0 MB | 119.4 MB | 120.0 MB | +27.4 MB | grows |"
    )


def test_a_process_that_grew_only_in_its_first_third_is_flat():
    early = _life("early", minutes=10, first=80, last=120)
    late = [(at + 600.0, 120 * _MEGABYTE) for at in range(5, 1_500, 5)]
    growth = Life("release", early.samples + late).growth()
    assert growth is not None
    assert growth.end - growth.warm > 30
    assert growth.is_flat


def test_a_process_of_less_than_a_minute_is_not_judged():
    assert "| beat | 30 s | | | | | | too short a life |" in _TEXT


def test_no_line_of_prose_is_longer_than_120_characters():
    assert max(len(line) for line in _TEXT.splitlines() if not line.startswith(("|", "**"))) <= 120
