"""The report of a soak: its faults, its results, and the memory of every process."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.chaos.memory import Life
from tests.chaos.record import Record
from tests.chaos.report import describe_machine, fold

_INTRODUCTION = (
    "Written by `{command}` on {date}, on a machine with {machine}. Blasts run all the time, and "
    "every few seconds one of the faults below is injected at random. At the end the ledger and "
    "the API's own record are compared requestId by requestId."
)
_MEMORY = (
    "Resident memory of the longest-lived process of each name: a minute after its start, after a "
    "third of its life, at its end, and the maximum. Every kind of fault and the largest rounds of "
    "work occur in the first third; a process that then grows by at most 3 % or 3 MB is *flat*. "
    "Whole workers are killed only in the first half, and of their children only the youngest, so "
    "that the others live long enough to be measured."
)
_SIMULATOR = "The simulator is not part of the product; it keeps all it has issued in memory."
_HEAD = (
    "| Process | Longest life | After a minute | After a third | At its end | At most "
    "| Growth since a third | |"
)
_RULE = "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |"


@dataclass(frozen=True)
class Soak:
    """The results of a soak.

    Attributes:
        minutes: its length.
        record: the sums.
        faults: how often each struck.
        lives: the longest life of each process.
    """

    minutes: float
    record: Record
    faults: Counter[str]
    lives: tuple[Life, ...]


def write_soak(soak: Soak, command: str) -> str:
    """The whole report as Markdown."""
    introduction = _INTRODUCTION.format(
        command=command, date=f"{datetime.now(UTC):%Y-%m-%d}", machine=describe_machine()
    )
    record = soak.record
    total = (
        f"**{soak.minutes:g} minutes on {record.pair.replace('+', ' + ')}: "
        f"{record.faults:,} faults, {record.jobs:,} jobs, {record.lost:,} lost, "
        f"{record.doubled:,} doubled, {record.in_doubt:,} in doubt.**"
    )
    parts = [
        "# A soak, and whether memory grows",
        fold(introduction),
        total,
        "## Faults",
        "\n".join(["| Fault | Times |\n| --- | ---: |", *_fault_rows(soak.faults)]),
        "## Memory",
        fold(_MEMORY),
        "\n".join([_HEAD, _RULE, *_memory_rows(soak.lives)]),
        fold(_SIMULATOR),
    ]
    return "\n\n".join(parts) + "\n"


def _fault_rows(faults: Counter[str]) -> Iterable[str]:
    return (f"| {name} | {times:,} |" for name, times in sorted(faults.items()))


def _memory_rows(lives: Iterable[Life]) -> Iterable[str]:
    for life in lives:
        if (growth := life.growth()) is None:
            yield f"| {life.name} | {life.seconds:.0f} s | | | | | | too short a life |"
            continue
        sizes = " | ".join(
            f"{size:.1f} MB" for size in (growth.warm, growth.third, growth.end, growth.most)
        )
        sizes += f" | {growth.late:+.1f} MB"
        verdict = "flat" if growth.is_flat else "grows"
        yield f"| {life.name} | {life.seconds / 60:.1f} min | {sizes} | {verdict} |"
